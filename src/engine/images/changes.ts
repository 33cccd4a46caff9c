/** The Dockerfile instructions that `import --change` and `commit --change` take, applied to an image's configuration. Pure. */
import { invalidParameter } from '../../errors.ts';
import type { Healthcheck } from '../../model/container.ts';
import { parseDuration } from './filters.ts';
import type { ImageDefaults } from './port.ts';

export type ChangedConfig = ImageDefaults & { OnBuild?: string[] | null };

/** Words as a Dockerfile separates them: quotes and backslashes protect blanks. */
function words(text: string): string[] {
  const result: string[] = [];
  let word: string | undefined;
  let quote = '';
  for (let i = 0; i < text.length; i++) {
    const c = text[i]!;
    if (c === '\\' && quote !== "'" && i + 1 < text.length) word = (word ?? '') + text[++i]!;
    else if (quote !== '') {
      if (c === quote) quote = '';
      else word += c;
    } else if (c === '"' || c === "'") {
      quote = c;
      word ??= '';
    } else if (/\s/.test(c)) {
      if (word !== undefined) result.push(word);
      word = undefined;
    } else word = (word ?? '') + c;
  }
  if (quote !== '')
    throw invalidParameter(
      `unexpected end of statement while looking for matching ${quote === '"' ? 'double' : 'single'}-quote`,
    );
  if (word !== undefined) result.push(word);
  return result;
}

/** The JSON form of CMD and its like; undefined for the shell form. */
function jsonForm(text: string): string[] | undefined {
  if (!text.startsWith('[')) return undefined;
  try {
    const parsed: unknown = JSON.parse(text);
    if (Array.isArray(parsed) && parsed.every((item) => typeof item === 'string')) return parsed;
  } catch {
    // Docker reads what is no JSON as the shell form.
  }
  return undefined;
}

const command = (config: ChangedConfig, text: string): string[] =>
  jsonForm(text) ?? [...(config.Shell ?? ['/bin/sh', '-c']), text];

/** 'a=b "c d"=e', or the old 'key the whole rest'. */
function pairs(instruction: string, text: string): [string, string][] {
  const first = /^\s*(\S+)/.exec(text)?.[1] ?? '';
  if (!first.includes('=')) {
    const [, key, value] = /^(\S+)\s+(.*)$/s.exec(text) ?? [];
    if (key === undefined || value === undefined) throw invalidParameter(`${instruction} must have two arguments`);
    return [[key, value]];
  }
  return words(text).map((word) => {
    const equals = word.indexOf('=');
    if (equals < 0) throw invalidParameter(`Syntax error - can't find = in "${word}". Must be of the form: name=value`);
    if (equals === 0) throw invalidParameter(`${instruction} names can not be blank`);
    return [word.slice(0, equals), word.slice(equals + 1)];
  });
}

function exposed(text: string): string[] {
  return words(text).flatMap((word) => {
    const [, from, to, protocol] = /^(\d+)(?:-(\d+))?(?:\/(tcp|udp|sctp))?$/i.exec(word) ?? [];
    const [low, high] = [Number(from), Number(to ?? from)];
    if (from === undefined || high > 65_535 || low < 1 || high < low) {
      throw invalidParameter(`invalid containerPort: ${word}`);
    }
    return Array.from({ length: high - low + 1 }, (_, i) => `${low + i}/${(protocol ?? 'tcp').toLowerCase()}`);
  });
}

const HEALTH_FLAGS: Readonly<Record<string, 'Interval' | 'Timeout' | 'StartPeriod' | 'StartInterval'>> = {
  interval: 'Interval',
  timeout: 'Timeout',
  'start-period': 'StartPeriod',
  'start-interval': 'StartInterval',
};

function healthcheck(text: string): Healthcheck {
  const check: Healthcheck = {};
  let rest = text;
  for (;;) {
    const [whole, name, value] = /^--([a-z-]+)=(\S+)\s*/.exec(rest) ?? [];
    if (whole === undefined || name === undefined || value === undefined) break;
    rest = rest.slice(whole.length);
    const field = HEALTH_FLAGS[name];
    if (name === 'retries' && /^\d+$/.test(value)) check.Retries = Number(value);
    else if (field !== undefined && parseDuration(value) !== undefined) {
      check[field] = Math.round((parseDuration(value) ?? 0) * 1e6);
    } else throw invalidParameter(`invalid HEALTHCHECK option: --${name}=${value}`);
  }
  if (/^none$/i.test(rest)) return { Test: ['NONE'] };
  const body = /^cmd\s+(.+)$/is.exec(rest)?.[1];
  if (body === undefined)
    throw invalidParameter(`Unknown type "${rest.split(/\s/)[0]?.toUpperCase() ?? ''}" in HEALTHCHECK (try CMD)`);
  const form = jsonForm(body);
  return { Test: form === undefined ? ['CMD-SHELL', body] : ['CMD', ...form], ...check };
}

function joinPath(base: string, path: string): string {
  const parts: string[] = [];
  for (const part of (path.startsWith('/') ? path : `${base}/${path}`).split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return `/${parts.join('/')}`;
}

const appliers: Readonly<Record<string, (config: ChangedConfig, text: string) => void>> = {
  CMD: (config, text) => (config.Cmd = command(config, text)),
  ENTRYPOINT: (config, text) => (config.Entrypoint = command(config, text)),
  ENV: (config, text) => {
    for (const [key, value] of pairs('ENV', text)) {
      config.Env = [...(config.Env ?? []).filter((entry) => !entry.startsWith(`${key}=`)), `${key}=${value}`];
    }
  },
  LABEL: (config, text) => (config.Labels = { ...config.Labels, ...Object.fromEntries(pairs('LABEL', text)) }),
  EXPOSE: (config, text) => {
    config.ExposedPorts = { ...config.ExposedPorts, ...Object.fromEntries(exposed(text).map((port) => [port, {}])) };
  },
  ONBUILD: (config, text) => {
    if (/^(?:ONBUILD|FROM|MAINTAINER)\b/i.test(text)) {
      throw invalidParameter(`${text.split(/\s/)[0]?.toUpperCase() ?? ''} isn't allowed as an ONBUILD trigger`);
    }
    config.OnBuild = [...(config.OnBuild ?? []), text];
  },
  STOPSIGNAL: (config, text) => {
    if (!/^(?:\d{1,2}|(?:SIG)?[A-Z]+[A-Z0-9]*(?:[+-]\d+)?)$/i.test(text))
      throw invalidParameter(`invalid signal: ${text}`);
    config.StopSignal = text;
  },
  USER: (config, text) => (config.User = text),
  VOLUME: (config, text) => {
    const paths = jsonForm(text) ?? words(text);
    if (paths.some((path) => path.trim() === '')) throw invalidParameter('VOLUME specified can not be an empty string');
    config.Volumes = { ...config.Volumes, ...Object.fromEntries(paths.map((path) => [path, {}])) };
  },
  WORKDIR: (config, text) => (config.WorkingDir = joinPath(config.WorkingDir ?? '/', text)),
  HEALTHCHECK: (config, text) => (config.Healthcheck = healthcheck(text)),
};

/** Throws InvalidParameter with Docker's text; `base` is not changed. */
export function applyChanges(base: ChangedConfig, changes: readonly string[]): ChangedConfig {
  const config = { ...base };
  let ownCommand = false;
  for (const line of changes.flatMap((change) => change.split('\n'))) {
    const [, instruction, text] = /^\s*(\S+)(?:\s+(.*\S))?\s*$/s.exec(line) ?? [];
    if (instruction === undefined) continue;
    const apply = Object.hasOwn(appliers, instruction.toUpperCase()) ? appliers[instruction.toUpperCase()] : undefined;
    if (apply === undefined) throw invalidParameter(`${instruction} is not a valid change command`);
    if (text === undefined) throw invalidParameter(`${instruction.toUpperCase()} requires at least one argument`);
    apply(config, text);
    ownCommand ||= instruction.toUpperCase() === 'CMD';
    // What was the command of the base is no list of arguments for another entry point.
    if (instruction.toUpperCase() === 'ENTRYPOINT' && !ownCommand && config.Cmd) config.Cmd = null;
  }
  return config;
}
