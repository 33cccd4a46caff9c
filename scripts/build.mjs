// Bundles the composition roots. One CommonJS file each, because ESM's `import 'node:http'` costs 60 ms at every
// start and because Node strips no types below node_modules, where an installed copy lives.
import { build } from 'esbuild';
import { readFileSync, writeFileSync } from 'node:fs';

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));

for (const entry of ['berth', 'berthd', 'berth-netd', 'berth-files']) {
  await build({
    entryPoints: [`src/${entry}.ts`],
    outfile: `dist/${entry === 'berth' ? 'berth-main' : entry}.cjs`,
    absWorkingDir: new URL('..', import.meta.url).pathname,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node24',
    external: ['koffi'],
    define: { 'process.env.BERTH_VERSION': JSON.stringify(version) },
    minifyWhitespace: entry === 'berth',
    legalComments: 'none',
    logLevel: 'warning',
  });
}

// The CLI's compiled form is kept beside it by Node (4 of 38 ms of a start). Only what is loaded after the call is
// cached, hence a file of its own; a directory that cannot be written to costs nothing.
writeFileSync(
  new URL('../dist/berth.cjs', import.meta.url),
  `require('node:module').enableCompileCache(__dirname + '/.cache');\nrequire('./berth-main.cjs');\n`,
);
