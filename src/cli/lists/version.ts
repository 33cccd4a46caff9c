/** `version` for people. */
import { API_VERSION } from '../http/client.ts';
import { alignColumns } from '../format/table.ts';
import { BERTH_VERSION } from '../version.ts';

export interface ServerVersion {
  Platform?: { Name: string };
  Components?: { Name: string; Version: string; Details?: Record<string, string> | null }[];
  Version: string;
  ApiVersion: string;
}

export interface ClientVersion {
  Version: string;
  ApiVersion: string;
  NodeVersion: string;
  Os: string;
  Arch: string;
}

/** Go's names of what Node names otherwise. */
const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', ia32: '386' };

export const clientVersion = (): ClientVersion => ({
  Version: BERTH_VERSION,
  ApiVersion: API_VERSION,
  NodeVersion: process.version,
  Os: process.platform,
  Arch: ARCHITECTURES[process.arch] ?? process.arch,
});

type Line = [label: string, value: string];

const linesOf = (lines: readonly Line[], indent: string): string =>
  lines.map(([label, value]) => `${indent}${label}:\t${value}\n`).join('');

/** How docker labels the details of an engine; the others go by their own names. */
function engineLines(version: string, details: Readonly<Record<string, string>>): Line[] {
  const { ApiVersion = '', MinAPIVersion = '', GoVersion, GitCommit, BuildTime, Os = '', Arch = '', ...more } = details;
  const lines: Line[] = [
    ['Version', version],
    ['API version', `${ApiVersion} (minimum version ${MinAPIVersion})`],
  ];
  if (GoVersion) lines.push(['Go version', GoVersion]);
  if (more['NodeVersion']) lines.push(['Node version', more['NodeVersion']]);
  if (GitCommit) lines.push(['Git commit', GitCommit]);
  if (BuildTime) lines.push(['Built', BuildTime]);
  lines.push(['OS/Arch', `${Os}/${Arch}`]);
  if (more['Experimental']) lines.push(['Experimental', more['Experimental']]);
  return lines;
}

export function versionText(client: ClientVersion, server: ServerVersion | null): string {
  let text = `Client:\n${linesOf(
    [
      ['Version', client.Version],
      ['API version', client.ApiVersion],
      ['Node version', client.NodeVersion],
      ['OS/Arch', `${client.Os}/${client.Arch}`],
    ],
    ' ',
  )}`;
  if (server !== null) {
    text += `\nServer:${server.Platform?.Name ? ` ${server.Platform.Name}` : ''}\n`;
    for (const { Name, Version, Details } of server.Components ?? []) {
      const details = Details ?? {};
      const lines: Line[] =
        Name === 'Engine' ? engineLines(Version, details) : [['Version', Version], ...Object.entries(details)];
      text += ` ${Name}:\n${linesOf(lines, '  ')}`;
    }
  }
  return alignColumns(text, { minWidth: 20, padding: 1 });
}

/** For templates: docker spells this field in two ways, one for JSON and one for {{.Client.APIVersion}}. */
export const forTemplates = <T extends { ApiVersion: string }>(
  version: T | null,
): (T & { APIVersion: string }) | null => version && { ...version, APIVersion: version.ApiVersion };
