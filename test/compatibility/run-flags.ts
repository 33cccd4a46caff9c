/** Every flag of `docker run`, each seen from inside a container or from beside it. */
import { words, type Case } from './cases.ts';

/** `docker run --rm FLAGS busybox sh -c SCRIPT` */
const run = (flags: string, script: string): string => `docker run --rm ${flags} busybox sh -c '${script}'`;
const flagsIn = (names: string): string[] => (names === '' ? [] : words(names));
const shows = (
  names: string,
  flags: string,
  script: string,
  prints: Case['prints'],
  more: Partial<Case> = {},
): Case => ({
  flags: flagsIn(names),
  line: run(flags, script),
  prints,
  ...more,
});
const line = (names: string, text: string, prints: Case['prints'], more: Partial<Case> = {}): Case => ({
  flags: flagsIn(names),
  line: text,
  prints,
  ...more,
});

/** Several by one container: what each prints stands between lines of '--'. */
const together = (...parts: (readonly [names: string, flags: string, script: string, prints: string])[]): Case =>
  shows(
    parts.flatMap(([names]) => flagsIn(names)).join(' '),
    parts.map(([, flags]) => flags).join(' '),
    parts.map(([, , script]) => script).join('; echo --; '),
    parts.map(([, , , prints]) => prints).join('\n--\n'),
  );

/** A file of a control group: of v1, or of v2. */
const group = (v1: string, v2: string): string => `cat /sys/fs/cgroup/${v1} 2>/dev/null || cat /sys/fs/cgroup/${v2}`;
const WINDOWS = { refused: true, stockOnly: true } as const;
/** The kernel of a machine may lack it; then the flag is taken and a warning given, as by dockerd. */
const KERNEL = { note: 'where the kernel can; else with a warning, as Docker does' } as const;

/** What is so without a flag. */
const DEFAULTS: readonly Case[] = [
  together(
    ['', '', 'grep -e CapEff -e Seccomp: /proc/self/status', 'CapEff:\t00000000a80425fb\nSeccomp:\t2'],
    ['', '', 'mount -t tmpfs x /mnt 2>&1 | grep -cE "permission denied|not permitted"', '1'],
    ['', '', 'cat /proc/timer_list 2>/dev/null | wc -c; ls /proc/scsi 2>/dev/null | wc -l', '0\n0'],
    ['', '', '(echo 1 >/proc/sys/kernel/panic) 2>&1 | grep -c "Read-only file system"', '1'],
    ['', '-v $ROOT/made-by-berth:/mnt', 'ls /mnt | wc -l', '0'],
  ),
];

const PROCESS: readonly Case[] = [
  together(
    ['env', '-e A=1 -e B=two', 'echo $A $B', '1 two'],
    ['env-file', '--env-file $ROOT/env', 'echo "$FROM_FILE"', 'yes it is'],
    ['workdir', '-w /somewhere/new', 'pwd', '/somewhere/new'],
    ['user', '-u 1000:1001', 'id -u; id -g', '1000\n1001'],
    ['group-add', '--group-add 7', 'id -G', '1001 7'],
    ['hostname', '-h box', 'hostname', 'box'],
    ['domainname', '--domainname example.test', 'grep -c "box.example.test box$" /etc/hosts', '1'],
    ['oom-score-adj', '--oom-score-adj 100', 'cat /proc/self/oom_score_adj', '100'],
    ['ulimit', '--ulimit nofile=100:200', 'ulimit -Sn; ulimit -Hn', '100\n200'],
    [
      'sysctl',
      '--sysctl net.ipv4.ip_unprivileged_port_start=55',
      'cat /proc/sys/net/ipv4/ip_unprivileged_port_start',
      '55',
    ],
    ['mac-address', '--mac-address 02:42:ac:11:00:99', 'cat /sys/class/net/eth0/address', '02:42:ac:11:00:99'],
    ['add-host', '--add-host db:10.9.8.7', 'grep 10.9.8.7 /etc/hosts', '10.9.8.7\tdb'],
    ['add-host', '--add-host gw:host-gateway', 'grep gw /etc/hosts', '172.17.0.1\tgw'],
    ['runtime', '--runtime runc', 'echo said', 'said'],
  ),
  shows('user', '-u nobody', 'id -un; echo $HOME', /^nobody\n/),
  line('entrypoint', 'docker run --rm --entrypoint echo busybox from the entrypoint', 'from the entrypoint'),
  shows('init', '--init', 'cat /proc/1/comm', /tini|docker-init/),
  shows('interactive', '-i </dev/null', 'cat; echo end', 'end'),
  line('interactive attach', 'echo in | docker run --rm -i -a stdin -a stdout busybox cat', 'in'),
  line('attach', "docker run --rm -a stderr busybox sh -c 'echo out; echo err >&2'", 'err'),
  line('tty', 'script -qec "$DOCKER run --rm -t busybox tty" /dev/null </dev/null', /\/dev\/pts\/\d/),
  line('detach', 'docker run -d --name %d busybox true | wc -c; docker wait %d; docker rm %d', /^65\n0\n\w+d$/),
  line('rm', 'docker run --rm --name %rm busybox true; docker ps -aq -f name=%rm | wc -l', '0'),
  line(
    'name',
    'docker run --rm --name %n busybox true; docker create --name %n busybox >/dev/null; docker rm %n',
    /n$/,
  ),
  line('cidfile', 'docker run --rm --cidfile $ROOT/cid busybox true; wc -c <$ROOT/cid', '64'),
  line(
    'label label-file',
    "docker create --name %l -l a=b --label-file $ROOT/labels busybox >/dev/null; docker inspect -f '{{json .Config.Labels}}' %l; docker rm %l >/dev/null",
    '{"a":"b","from":"file"}',
  ),
  line(
    'annotation',
    "docker create --name %a --annotation a=b busybox >/dev/null; docker inspect -f '{{.HostConfig.Annotations.a}}' %a; docker rm %a >/dev/null",
    'b',
  ),
  line(
    'stop-signal stop-timeout',
    'docker run -d --name %s --stop-signal USR1 --stop-timeout 20 busybox sh -c \'trap "exit 9" USR1; while :; do sleep 0.1; done\' >/dev/null; docker exec %s true; docker stop %s >/dev/null; docker wait %s; docker rm %s >/dev/null',
    '9',
  ),
  line(
    'sig-proxy',
    '$DOCKER run --name %sp --sig-proxy=true busybox sh -c \'trap "exit 8" TERM; echo ready; while :; do sleep 0.1; done\' & until docker logs %sp 2>&1 | grep -q ready; do sleep 0.1; done; kill $!; wait $!; echo $?; docker rm %sp >/dev/null',
    /\b8$/,
    { client: true },
  ),
  line(
    'detach-keys',
    '{ until docker exec %dk true 2>/dev/null; do sleep 0.1; done; printf "\\030"; sleep 1; printf "\\030"; sleep 1; } | script -qec "$DOCKER run -it --name %dk --detach-keys ctrl-x busybox sleep 1000" /dev/null >/dev/null; docker inspect -f "{{.State.Status}}" %dk; docker rm -f %dk >/dev/null',
    'running',
  ),
  line(
    'restart',
    "docker run -d --name %r --restart on-failure:2 busybox false >/dev/null; until docker inspect -f '{{.RestartCount}} {{.State.Status}}' %r | grep '2 exited'; do sleep 0.1; done; docker rm %r >/dev/null",
    '2 exited',
  ),
  line('pull', 'docker run --rm --pull never no-such-image', /No such image: no-such-image:latest/),
  line('quiet', 'docker run --rm -q busybox echo said', 'said', { client: true }),
  line(
    'platform',
    'docker run --rm --platform linux/s390x --pull never busybox true',
    /does not match the specified platform/,
  ),
  line('disable-content-trust', 'docker run --rm --disable-content-trust=true busybox echo said', 'said', {
    client: true,
  }),
  line('help', 'docker run --help | grep -c -- --add-host', '1', { client: true }),
];

const HEALTH: readonly Case[] = [
  line(
    'health-cmd health-interval health-retries health-timeout health-start-period health-start-interval',
    "docker run -d --name %h --health-cmd 'echo checked' --health-interval 300ms --health-retries 2 --health-timeout 20s --health-start-period 1s --health-start-interval 200ms busybox sleep 1000 >/dev/null; until docker inspect -f '{{.State.Health.Status}}' %h | grep '^healthy'; do sleep 0.1; done; docker inspect -f '{{(index .State.Health.Log 0).Output}}{{json .Config.Healthcheck}}' %h; docker rm -f %h >/dev/null",
    /^healthy\nchecked\n\{"Test":\["CMD-SHELL","echo checked"\],"Interval":300000000,"Timeout":20000000000,"StartPeriod":1000000000,"StartInterval":200000000,"Retries":2\}$/,
  ),
  line(
    'no-healthcheck',
    "docker run -d --name %nh --no-healthcheck busybox sleep 1000 >/dev/null; docker inspect -f '{{json .State.Health}} {{.Config.Healthcheck.Test}}' %nh; docker rm -f %nh >/dev/null",
    /(null|<nil>) \[NONE\]$/,
  ),
];

const FILES: readonly Case[] = [
  shows('volume', '-v $ROOT/bind:/mnt', 'cat /mnt/file', 'content'),
  shows(
    'volume',
    '-v $ROOT/bind/file:/new/file:ro',
    'cat /new/file; touch /new/file 2>&1; true',
    /^content\n.*Read-only file system/,
  ),
  shows('volume', '-v $ROOT/bind:/mnt:ro', 'touch /mnt/x 2>&1; true', /Read-only file system/),
  line(
    'volume',
    'docker run --rm -v %v:/v busybox touch /v/x; docker run --rm -v %v:/v busybox ls /v; docker volume rm %v >/dev/null',
    'x',
  ),
  shows('mount', '--mount type=bind,src=$ROOT/bind,dst=/mnt,readonly', 'cat /mnt/file', 'content'),
  shows('mount', '--mount type=tmpfs,dst=/t', 'mount | grep -c "tmpfs on /t "', '1'),
  shows('tmpfs', '--tmpfs /t:size=64k,mode=700', 'mount | grep " /t "', /^tmpfs on \/t type tmpfs .*size=64k,mode=700/),
  shows('read-only', '--read-only', 'touch /x 2>&1; true', /Read-only file system/),
  shows('shm-size', '--shm-size 1m', 'df -k /dev/shm | tail -1', /^shm\s+1024 /),
  line(
    'volumes-from',
    'docker create --name %vf -v /data busybox >/dev/null; docker run --rm --volumes-from %vf busybox sh -c \'grep -c " /data " /proc/mounts\'; docker rm -v %vf >/dev/null',
    '1',
  ),
  line(
    'volume-driver',
    'docker run --rm --volume-driver local -v %vd:/v busybox true; docker volume inspect -f "{{.Driver}}" %vd; docker volume rm %vd >/dev/null',
    'local',
  ),
  shows('storage-opt', '--storage-opt size=1G', 'true', /--storage-opt/, { refused: true, stockOnly: true }),
  shows('use-api-socket', '--use-api-socket', 'test -S /var/run/docker.sock && echo socket', 'socket', {
    stockOnly: true,
  }),
];

const SECURITY: readonly Case[] = [
  shows('cap-drop', '--cap-drop ALL', 'grep CapEff /proc/self/status', 'CapEff:\t0000000000000000'),
  shows(
    'cap-drop cap-add',
    '--cap-drop ALL --cap-add NET_ADMIN',
    'grep CapEff /proc/self/status',
    'CapEff:\t0000000000001000',
  ),
  shows('cap-add', '--cap-add CAP_SYS_TIME', 'grep CapEff /proc/self/status', 'CapEff:\t00000000aa0425fb'),
  shows('security-opt', '--security-opt seccomp=unconfined', 'grep Seccomp: /proc/self/status', 'Seccomp:\t0'),
  shows('security-opt', '--security-opt seccomp=$ROOT/seccomp.json', 'mkdir /x 2>&1; true', /Operation not permitted/),
  shows('security-opt', '--security-opt no-new-privileges', 'grep NoNewPrivs /proc/self/status', 'NoNewPrivs:\t1'),
  shows(
    'privileged',
    '--privileged',
    'grep Seccomp: /proc/self/status; ls /dev | grep -c loop-control',
    /^Seccomp:\t0/,
  ),
  shows('device', '--device /dev/null:/dev/zilch', 'ls -l /dev/zilch', /^c/),
  shows(
    'device-cgroup-rule',
    "--cap-add MKNOD --device-cgroup-rule 'c 10:200 rwm'",
    group('devices/devices.list', 'cgroup.controllers'),
    /c 10:200 rwm|pids/,
  ),
  shows('gpus', '--gpus all', 'true', /could not select device driver/, { refused: true, stockOnly: true }),
  shows('userns', '--userns host', 'cat /proc/self/uid_map', /^\s*0\s+0\s+4294967295$/),
  shows('isolation', '--isolation default', 'echo said', 'said', {
    stockOnly: true,
    note: 'only `default`, as with Docker on Linux',
  }),
];

const NAMESPACES: readonly Case[] = [
  shows('cgroupns', '--cgroupns host', 'cat /proc/self/cgroup | head -1', /:\//),
  shows('pid', '--pid host', 'ls -d /proc/[0-9]* | wc -l', /^([2-9]|\d\d+)$/),
  shows('uts', '--uts host', 'hostname', /./),
  line(
    'ipc',
    "docker run -d --name %ipc --ipc shareable busybox sh -c 'echo shared >/dev/shm/x; sleep 1000' >/dev/null; docker exec %ipc true; docker run --rm --ipc container:%ipc busybox sh -c 'until cat /dev/shm/x; do sleep 0.1; done 2>/dev/null'; docker rm -f %ipc >/dev/null",
    'shared',
  ),
];

const LIMITS: readonly Case[] = [
  together(
    ['memory', '--memory 32m', group('memory/memory.limit_in_bytes', 'memory.max'), '33554432'],
    [
      'memory-reservation',
      '--memory-reservation 16m',
      group('memory/memory.soft_limit_in_bytes', 'memory.low'),
      '16777216',
    ],
    ['pids-limit', '--pids-limit 20', group('pids/pids.max', 'pids.max'), '20'],
    [
      'cpus',
      '--cpus 0.5',
      'cat /sys/fs/cgroup/cpu/cpu.cfs_quota_us 2>/dev/null || cut -d" " -f1 /sys/fs/cgroup/cpu.max',
      '50000',
    ],
    ['cpu-shares', '-c 512', `(${group('cpu/cpu.shares', 'cpu.weight')}) | sed -E "s,^(20|59)$,512,"`, '512'],
    ['cpuset-cpus', '--cpuset-cpus 0', 'grep Cpus_allowed_list /proc/self/status', 'Cpus_allowed_list:\t0'],
    ['cpuset-mems', '--cpuset-mems 0', 'grep Mems_allowed_list /proc/self/status', 'Mems_allowed_list:\t0'],
  ),
  shows(
    'memory-swap',
    '--memory 32m --memory-swap 64m',
    group('memory/memory.memsw.limit_in_bytes', 'memory.swap.max'),
    /67108864|33554432|does not support swap limit/,
    KERNEL,
  ),
  shows(
    'memory-swappiness',
    '--memory-swappiness 10',
    `${group('memory/memory.swappiness', 'cgroup.controllers')}`,
    /^10$|memory/,
    { note: 'cgroup v1 only, as with Docker' },
  ),
  shows('kernel-memory', '--kernel-memory 16m', 'echo said', /said$/, {
    note: 'without effect: the kernel gave it up, and so did Docker',
    stockOnly: true,
  }),
  shows(
    'oom-kill-disable',
    '--memory 32m --oom-kill-disable',
    group('memory/memory.oom_control', 'cgroup.controllers'),
    /oom_kill_disable 1|memory/,
    { note: 'cgroup v1 only, as with Docker' },
  ),
  shows(
    'cpu-period cpu-quota',
    '--cpu-period 50000 --cpu-quota 25000',
    'cat /sys/fs/cgroup/cpu/cpu.cfs_quota_us /sys/fs/cgroup/cpu/cpu.cfs_period_us 2>/dev/null || tr " " "\\n" </sys/fs/cgroup/cpu.max',
    '25000\n50000',
  ),
  shows('cpu-rt-period cpu-rt-runtime', '--cpu-rt-period 1000000 --cpu-rt-runtime 0', 'echo said', /said|real-time/, {
    note: 'where the kernel can, and refused elsewhere, as by Docker',
  }),
  line(
    'cgroup-parent',
    "docker run -d --name %cg --cgroup-parent $GROUP/%parent busybox sleep 1000 >/dev/null; grep -c %parent /proc/$(docker inspect -f '{{.State.Pid}}' %cg)/cgroup; docker rm -f %cg >/dev/null; find /sys/fs/cgroup -depth -type d -path '*%parent*' -exec rmdir {} + 2>/dev/null; true",
    /^[1-9]/,
  ),
  shows('blkio-weight', '--blkio-weight 300', 'echo said', /said/, KERNEL),
  shows('blkio-weight-device', '--blkio-weight-device $DISK:200', 'echo said', /said/, KERNEL),
  shows(
    'device-read-bps device-read-iops device-write-bps device-write-iops',
    '--device-read-bps $DISK:1mb --device-read-iops $DISK:500 --device-write-bps $DISK:2mb --device-write-iops $DISK:600',
    'cat /sys/fs/cgroup/blkio/blkio.throttle.*_device /sys/fs/cgroup/io.max 2>/dev/null; true',
    /1048576[^]*500[^]*2097152[^]*600|rbps=1048576 wbps=2097152 riops=500 wiops=600|discarded/,
    KERNEL,
  ),
  shows('cpu-count', '--cpu-count 2', 'true', /only supported on a Docker daemon running on windows/, WINDOWS),
  shows('cpu-percent', '--cpu-percent 50', 'true', /only supported on a Docker daemon running on windows/, WINDOWS),
  shows(
    'io-maxbandwidth',
    '--io-maxbandwidth 1m',
    'true',
    /only supported on a Docker daemon running on windows/,
    WINDOWS,
  ),
  shows('io-maxiops', '--io-maxiops 100', 'true', /only supported on a Docker daemon running on windows/, WINDOWS),
];

const NETWORK: readonly Case[] = [
  shows('network', '--network none', 'ls /sys/class/net', 'lo'),
  shows('network', '--network %net', 'ls /sys/class/net', 'eth0\nlo'),
  shows('ip', '--network %net --ip $SUBNET.77', 'ip -4 -o addr show eth0', /\.77\//),
  shows('ip6', '--network %six --ip6 $SUBNET6::77', 'ip -6 -o addr show eth0', /::77\/64/),
  shows('link-local-ip', '--network %net --link-local-ip 169.254.8.8', 'ip -4 -o addr show eth0', /169\.254\.8\.8/),
  line(
    'network-alias',
    "docker run -d --name %na --network %net --network-alias other busybox sleep 1000 >/dev/null; docker run --rm --network %net busybox ping -c1 -W5 other | grep -c '1 packets received'; docker rm -f %na >/dev/null",
    '1',
  ),
  line(
    'link',
    "docker run -d --name %lk busybox sleep 1000 >/dev/null; docker run --rm --link %lk:db busybox ping -c1 -W5 db | grep -c '1 packets received'; docker rm -f %lk >/dev/null",
    '1',
  ),
  line(
    'publish',
    "docker run -d --name %p -p 127.0.0.1:PORT:80 busybox sh -c 'while :; do echo answer | nc -l -p 80; done' >/dev/null; docker port %p; until socat -u TCP:127.0.0.1:PORT - 2>/dev/null | grep answer; do sleep 0.1; done; docker rm -f %p >/dev/null",
    /^80\/tcp -> 127\.0\.0\.1:\d+\nanswer$/,
  ),
  line(
    'publish-all expose',
    'docker run -d --name %pa -P --expose 90 busybox sleep 1000 >/dev/null; docker port %pa; docker rm -f %pa >/dev/null',
    /^90\/tcp -> 0\.0\.0\.0:\d+/,
  ),
  shows(
    'dns dns-search dns-option',
    '--dns 192.0.2.53 --dns-search corp.test --dns-option ndots:3',
    'cat /etc/resolv.conf',
    /nameserver 192\.0\.2\.53\n[^]*search corp\.test\n[^]*options ndots:3|search corp\.test[^]*nameserver 192\.0\.2\.53/,
  ),
];

const LOGS: readonly Case[] = [
  line(
    'log-driver',
    'docker run --name %lg --log-driver none busybox echo said >/dev/null; docker logs %lg; docker rm %lg >/dev/null',
    /does not support reading/,
  ),
  line(
    'log-opt',
    "docker run -d --name %lo --log-opt max-size=10k --log-opt max-file=2 busybox sh -c 'seq 1 20000' >/dev/null; docker wait %lo >/dev/null; test $(docker logs %lo | wc -c) -lt 60000 && echo bounded; docker rm %lo >/dev/null",
    'bounded',
  ),
];

export const RUN_FLAGS: readonly Case[] = [
  ...DEFAULTS,
  ...PROCESS,
  ...HEALTH,
  ...FILES,
  ...SECURITY,
  ...NAMESPACES,
  ...LIMITS,
  ...NETWORK,
  ...LOGS,
];
