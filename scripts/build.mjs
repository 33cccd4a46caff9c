// Bundles the two composition roots. One CommonJS file each, because ESM's `import 'node:http'` costs 60 ms at every
// start and because Node strips no types below node_modules, where an installed copy lives.
import { build } from 'esbuild';
import { readFileSync } from 'node:fs';

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));

for (const entry of ['berth', 'berthd']) {
  await build({
    entryPoints: [`src/${entry}.ts`],
    outfile: `dist/${entry}.cjs`,
    absWorkingDir: new URL('..', import.meta.url).pathname,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node24',
    external: ['koffi'],
    define: { 'process.env.BERTH_VERSION': JSON.stringify(version) },
    legalComments: 'none',
    logLevel: 'warning',
  });
}
