/** A container's life through both clients: every verb, its output and its exit code. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { hostTest } from '../support/host.ts';
import { until } from '../support/wait.ts';

hostTest('create, start, ps, logs, exec, stop, restart, kill, wait, rename, rm, prune', {}, async (host) => {
  const daemon = await host.startDaemon();
  for (const [name, ok, client] of [
    ['docker', daemon.dockerOk, daemon.docker],
    ['berth', daemon.berthOk, daemon.berth],
  ] as const) {
    const id = await ok(
      'create',
      '--name',
      'life',
      'busybox',
      'sh',
      '-c',
      'echo out; echo err >&2; trap "exit 3" TERM; while :; do sleep 0.1; done',
    );
    assert.match(id, /^[0-9a-f]{64}$/);
    assert.match(await ok('ps', '-a', '--filter', 'name=life', '--format', '{{.Status}}'), /^Created/);
    assert.equal(await ok('start', 'life'), 'life');
    assert.match(
      await ok('ps', '--format', '{{.Names}} {{.Image}} {{.State}} {{.Status}}'),
      /^life busybox running Up /,
    );
    await until(async () => (await client('logs', 'life')).stderr === 'err\n', 5000, 'the log');
    const logs = await client('logs', 'life');
    assert.deepEqual([logs.stdout, logs.stderr], ['out\n', 'err\n'], name);
    assert.match(
      (await client('logs', '-t', '--tail', '1', 'life')).stderr + (await client('logs', '-t', 'life')).stdout,
      /^\d{4}-\d\d-\d\dT[\d:.]+Z /,
    );
    assert.equal((await client('logs', '--since', '2035-01-01', 'life')).stdout, '');
    assert.equal(await ok('exec', '-e', 'X=y', '-w', '/tmp', 'life', 'sh', '-c', 'echo $X; pwd'), 'y\n/tmp');
    assert.equal((await client('exec', 'life', 'sh', '-c', 'exit 9')).code, 9);
    assert.equal(await ok('stop', '-t', '5', 'life'), 'life');
    assert.equal(
      await ok('inspect', '-f', '{{.State.Status}} {{.State.ExitCode}} {{.State.Running}}', 'life'),
      'exited 3 false',
    );
    assert.equal(await ok('restart', 'life'), 'life');
    assert.equal(await ok('inspect', '-f', '{{.State.Status}}', 'life'), 'running');
    assert.equal(await ok('rename', 'life', 'afterlife'), '');
    assert.equal(await ok('kill', '-s', 'KILL', 'afterlife'), 'afterlife');
    assert.equal(await ok('wait', 'afterlife'), '137');
    assert.match(await ok('ps', '-a', '--format', '{{.Status}}'), /^Exited \(137\) /);
    assert.equal(await ok('rm', 'afterlife'), 'afterlife');
    await ok('create', 'busybox');
    assert.match(await ok('container', 'prune', '-f'), /^Deleted Containers:\n[0-9a-f]{64}\n\nTotal reclaimed space: /);
    assert.equal(await ok('ps', '-aq'), '');
  }
});

hostTest('run: streams, input, exit codes, detach, cidfile', {}, async (host) => {
  const daemon = await host.startDaemon();
  for (const [name, argv] of [
    ['docker', daemon.dockerArgv],
    ['berth', daemon.berthArgv],
  ] as const) {
    const exec = (args: string[], input?: string | Buffer): ReturnType<typeof host.exec> =>
      host.exec(argv(...args), { env: daemon.clientEnv, ...(input === undefined ? {} : { input }) });
    const both = await exec(['run', '--rm', 'busybox', 'sh', '-c', 'echo out; echo err >&2; exit 42']);
    assert.deepEqual([both.stdout, both.stderr, both.code], ['out\n', 'err\n', 42], name);
    const big = Buffer.alloc(3_000_000, 'berth\n');
    assert.equal(
      (await exec(['run', '--rm', '-i', 'busybox', 'cat'], big)).stdout,
      big.toString(),
      `${name}: 3 MB through stdin and stdout`,
    );
    assert.equal(
      (await exec(['run', '--rm', 'busybox', 'seq', '200000'])).stdout.length,
      1288895,
      `${name}: no line is lost at the end`,
    );
    assert.equal(
      (await exec(['run', '--rm', '-i', 'busybox', 'sh', '-c', 'read a; echo got $a'], 'x\n')).stdout,
      'got x\n',
    );
    const cidfile = `${host.root}/cid-${name}`;
    const detached = await exec(['run', '-d', '--cidfile', cidfile, 'busybox', 'sh', '-c', 'exit 5']);
    assert.equal(readFileSync(cidfile, 'utf8'), detached.stdout.trim());
    assert.equal((await exec(['wait', detached.stdout.trim()])).stdout, '5\n');
    assert.equal((await exec(['run', '--cidfile', cidfile, 'busybox'])).code, 125);
    await exec(['rm', detached.stdout.trim()]);
    assert.equal((await exec(['run', '--rm', '-t', 'busybox', 'tty'])).stdout.trim(), '/dev/pts/0');
  }
});

hostTest('run -it: a real terminal, its size, resize, detach and attach', {}, async (host) => {
  const daemon = await host.startDaemon();
  for (const argv of [daemon.dockerArgv, daemon.berthArgv]) {
    const run = argv('run', '-it', '--name', 'term', 'busybox', 'sh')
      .map((word) => `{${word}}`)
      .join(' ');
    const attach = argv('attach', 'term')
      .map((word) => `{${word}}`)
      .join(' ');
    const script = `${host.root}/script.exp`;
    writeFileSync(
      script,
      `set timeout 10
set stty_init "rows 40 columns 100"
proc need {pattern} {
  expect {
    -re $pattern {}
    timeout { puts "MISSING: $pattern"; exit 1 }
    eof { puts "ENDED BEFORE: $pattern"; exit 1 }
  }
}
# stty sets rows and columns by two calls, and the client tells of each in its own time.
proc size {wanted} {
  for {set turn 0} {$turn < 20} {incr turn} {
    send "stty size\\r"
    expect {
      -re "$wanted" { return }
      -re "\\[0-9]+ \\[0-9]+\\r" { after 250 }
      timeout { puts "NO SIZE"; exit 1 }
      eof { puts "ENDED BEFORE: $wanted"; exit 1 }
    }
  }
  puts "MISSING: $wanted"; exit 1
}
proc ended {} {
  expect {
    eof {}
    timeout { puts "STILL THERE"; exit 1 }
  }
}
spawn ${run}
need "/ # "
size "40 100"
need "/ # "
exec stty -F $spawn_out(slave,name) rows 50 columns 120
size "50 120"
need "/ # "
send "echo still-\\$((40+2))\\r"
need "still-42"
need "/ # "
send "\\x10\\x11"
ended
wait
spawn ${attach}
after 200
send "\\r"
need "/ # "
after 300
send "exit 7\\r"
ended
set result [wait]
exit [lindex $result 3]
`,
    );
    const result = await host.exec(['expect', '-f', script], { env: { ...daemon.clientEnv, TERM: 'xterm' } });
    assert.equal(result.code, 7, `${argv().join(' ')}\n${result.stdout}${result.stderr}`);
    await daemon.dockerOk('rm', 'term');
  }
});

hostTest('signals are passed on; a client that is killed leaves the container', {}, async (host) => {
  const daemon = await host.startDaemon();
  for (const argv of [daemon.dockerArgv, daemon.berthArgv]) {
    const child = host.spawn(
      argv(
        'run',
        '--rm',
        '--name',
        'sig',
        'busybox',
        'sh',
        '-c',
        'trap "echo caught; exit 4" INT; echo ready; while :; do sleep 0.05; done',
      ),
      {
        env: { ...process.env, ...daemon.clientEnv },
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    let out = '';
    child.stdout?.on('data', (data: Buffer) => (out += data.toString()));
    await until(() => out.includes('ready'), 10_000, 'the container');
    const closed = new Promise<number | null>((resolve) => child.once('close', resolve));
    // nsenter waits for the client it started; the signal is for the client.
    const client = (await host.run('pgrep', '-f', '--', '--name sig')).trim().split('\n').at(-1) ?? '';
    await host.run('kill', '-INT', client);
    await closed;
    assert.equal(out, 'ready\ncaught\n');
  }
});

hostTest('events tell a life', {}, async (host) => {
  const daemon = await host.startDaemon();
  const since = Math.floor(Date.now() / 1000);
  await daemon.dockerOk('run', '--rm', '--name', 'told', '--label', 'l=1', 'busybox', 'false').catch(() => undefined);
  const args = [
    'events',
    '--since',
    `${since}`,
    '--until',
    `${Math.ceil(Date.now() / 1000) + 1}`,
    '--filter',
    'container=told',
    '--format',
    '{{.Type}} {{.Action}} {{index .Actor.Attributes "name"}}',
  ];
  const stock = await daemon.dockerOk(...args);
  assert.deepEqual(
    stock.split('\n').map((line) => line.split(' ')[1]),
    ['create', 'attach', 'start', 'die', 'destroy'],
  );
  assert.equal(await daemon.berthOk(...args), stock);
  const networks = await daemon.dockerOk(
    'events',
    '--since',
    `${since}`,
    '--until',
    `${Math.ceil(Date.now() / 1000)}`,
    '--filter',
    'type=network',
    '--format',
    '{{.Action}} {{index .Actor.Attributes "name"}}',
  );
  assert.equal(networks, 'connect bridge\ndisconnect bridge');
});

hostTest('parallel runs neither deadlock nor book an address twice', {}, async (host) => {
  const daemon = await host.startDaemon();
  const ids = await Promise.all(
    Array.from({ length: 20 }, () => daemon.dockerOk('run', '-d', 'busybox', 'sleep', '1000')),
  );
  const addresses = await daemon.dockerOk('inspect', '-f', '{{.NetworkSettings.Networks.bridge.IPAddress}}', ...ids);
  assert.equal(new Set(addresses.split('\n')).size, 20);
  const answers = await Promise.all(
    ids.flatMap((id) => [
      daemon.docker('rm', '-f', id),
      daemon.docker('stop', '-t', '0', id),
      daemon.docker('kill', id),
    ]),
  );
  assert.ok(answers.every(({ stderr }) => !/panic|undefined|TypeError/.test(stderr)));
  assert.equal(await daemon.dockerOk('ps', '-aq'), '');
});

hostTest('a container that is removed while others wait for it leaves neither name nor record', {}, async (host) => {
  const daemon = await host.startDaemon();
  const many = 'mkdir /m; i=0; while [ $i -lt 3000 ]; do i=$((i+1)); : >/m/$i; done';
  await daemon.dockerOk('run', '--name', 'old', 'busybox', 'sh', '-c', many);
  const id = await daemon.dockerOk('ps', '-aq', '--no-trunc');
  const removal = daemon.api('DELETE', `/containers/${id}`);
  const answers = await Promise.all(
    ['rename?name=new', 'stop', 'kill', 'update', 'pause'].map(async (verb) =>
      daemon.api('POST', `/containers/${id}/${verb}`, {}),
    ),
  );
  assert.equal((await removal).status, 204);
  assert.ok(
    answers.every(({ status }) => status < 500),
    JSON.stringify(answers),
  );
  for (const name of ['old', 'new']) {
    assert.equal((await daemon.api('POST', `/containers/create?name=${name}`, { Image: 'busybox' })).status, 201, name);
  }
});
