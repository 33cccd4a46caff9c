/** This host's certificate is replaced in the last third of its life, by one that the host issues itself. */
import { X509Certificate, createPrivateKey } from 'node:crypto';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createRequest, isOld, issue } from './certificates.ts';
import type { ManagedContext } from './context.ts';
import type { Membership } from './membership.ts';
import { readAuthority } from './secrets.ts';

const next = (file: string): string => `${file}.new`;

/** True when there is another one now. */
export async function renewCertificate(context: ManagedContext, membership: Membership): Promise<boolean> {
  const { files, deps } = context;
  const { prefix, hostName: name, address } = membership;
  if (!isOld(await readFile(files.certificate, 'utf8'), deps.now())) return false;
  const authority = await readAuthority(context.etcd, prefix);
  const { key, request } = await createRequest(deps.scratch);
  const certificate = await issue(deps.scratch, authority, request, { name, address });
  await writeFile(next(files.key), key, { mode: 0o600 });
  await writeFile(next(files.certificate), certificate, { mode: 0o600 });
  // etcd reads both for each connection: for a moment between the two, one may fail and is made again.
  await rename(next(files.key), files.key);
  await rename(next(files.certificate), files.certificate);
  return true;
}

/** What a daemon that was killed in the midst of it has left: of two that belong together the second follows the first. */
export async function settleRenewal({ files }: ManagedContext): Promise<void> {
  const certificate = await readFile(next(files.certificate), 'utf8').catch(() => '');
  if (certificate !== '' && (await belongsTo(certificate, files.key))) {
    await rename(next(files.certificate), files.certificate);
  }
  for (const file of [files.key, files.certificate]) await rm(next(file), { force: true });
}

async function belongsTo(certificate: string, keyFile: string): Promise<boolean> {
  try {
    return new X509Certificate(certificate).checkPrivateKey(createPrivateKey(await readFile(keyFile)));
  } catch {
    // It was cut short while it was written.
    return false;
  }
}
