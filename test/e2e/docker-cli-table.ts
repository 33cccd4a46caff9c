/**
 * What is typed at the stock docker CLI, and what must come of it. docker-cli.test.ts runs each row with each client;
 * the table of compatibility may be made from it.
 *
 * A row is a line for sh in which `docker` is the client, and % a name of the client's own, so that both may work at the
 * same time. Before the first row there are: network net1; 'box' (runs; on net1, ports 8080->80 and 53/udp, label x=y,
 * volume vol at /data, wrote 'out' and 'err'); 'done' (ended with 3, on the default bridge); 'idle' (created, exposes 99).
 */
export interface Row {
  line: string;
  /** Exit code; 0 when left out. */
  code?: number;
  /** Of the whole of stdout or stderr; '' must be empty. */
  stdout?: string | RegExp;
  stderr?: string | RegExp;
  /** 20.10 lacks it, or says it in other words. */
  since?: 28;
}

const SWARM = /This node is not a swarm manager\. Use "docker swarm init" or "docker swarm join"/;
const NONE = /No such container: none/;

/** Commands about containers. */
export const containerRows: readonly Row[] = [
  { line: 'docker ps --format "{{.Names}} {{.Image}} {{.State}}"', stdout: /^box busybox running$/m },
  { line: 'docker ps -aq --no-trunc --filter name=^/box$', stdout: /^[0-9a-f]{64}\n$/ },
  { line: 'docker ps -a --filter exited=3 --format "{{.Names}}"', stdout: 'done\n' },
  { line: 'docker ps -a --filter status=created --format "{{.Names}}"', stdout: /^idle$/m },
  { line: 'docker ps --filter label=x=y --format "{{.Names}}"', stdout: 'box\n' },
  { line: 'docker ps --filter label=x=z --format "{{.Names}}"', stdout: '' },
  { line: 'docker ps -a --filter before=done --format "{{.Names}}"', stdout: 'box\n' },
  { line: 'docker ps -a --filter since=box --filter name=done --format "{{.Names}}"', stdout: 'done\n' },
  { line: 'docker ps --filter volume=vol --format "{{.Names}}"', stdout: 'box\n' },
  { line: 'docker ps --filter network=net1 --format "{{.Names}}"', stdout: 'box\n' },
  { line: 'docker ps --filter publish=8080 --format "{{.Names}}"', stdout: 'box\n' },
  { line: 'docker ps -a --filter expose=90-100 --format "{{.Names}}"', stdout: 'idle\n' },
  { line: 'docker ps --filter ancestor=busybox --filter health=none --filter name=box -q', stdout: /^[0-9a-f]{12}\n$/ },
  { line: 'docker ps -a --filter is-task=true -q', stdout: '' },
  { line: 'docker ps -as --filter name=box --format "{{.Size}}"', stdout: /^\S+ \(virtual \S+\)\n$/ },
  {
    line: 'docker ps --filter name=box --format "table {{.Ports}}\\t{{.Networks}}\\t{{.Mounts}}\\t{{.LocalVolumes}}"',
    stdout: /^PORTS +NETWORKS +MOUNTS +LOCAL VOLUMES\n.*127\.0\.0\.1:8080->80\/tcp +net1 +vol +1\n$/,
  },
  { line: 'docker ps -a --filter name=done --format json', stdout: /^\{.*"Names":"done".*\}\n$/, since: 28 },
  {
    line: 'docker ps -a --filter status=gone',
    code: 1,
    stderr:
      /invalid filter 'status=gone': invalid value for state \(gone\): must be one of created, running, paused, restarting, removing, exited, dead/,
  },
  {
    line: 'docker ps -a --filter exited=x',
    code: 1,
    stderr: /invalid filter 'exited=x': strconv\.Atoi: parsing "x": invalid syntax/,
  },
  {
    line: 'docker ps -a --filter health=ill',
    code: 1,
    stderr: /invalid value for health \(ill\): must be one of none,/,
  },
  { line: 'docker ps -a --filter before=none', code: 1, stderr: NONE },
  { line: 'docker ps --filter bogus=1', code: 1, stderr: /invalid filter 'bogus'/ },
  { line: 'docker container ls -q --filter name=box', stdout: /^[0-9a-f]{12}\n$/ },

  { line: 'docker run --rm busybox sh -c "echo out; echo err >&2; exit 7"', code: 7, stdout: 'out\n', stderr: 'err\n' },
  { line: 'docker run --rm --cidfile $TMP/cid busybox true && wc -c <$TMP/cid', stdout: '64\n' },
  {
    line: 'touch $TMP/full; docker run --rm --cidfile $TMP/full busybox true',
    code: 125,
    stderr: /container ID file found/,
  },
  { line: "echo A=1 >$TMP/env; docker run --rm --env-file $TMP/env -e B=2 busybox sh -c 'echo $A$B'", stdout: '12\n' },
  {
    line: "echo one=1 >$TMP/labels; docker create --name %l --label-file $TMP/labels -l two=2 busybox >/dev/null && docker inspect -f '{{json .Config.Labels}}' %l",
    stdout: '{"one":"1","two":"2"}\n',
  },
  { line: 'docker run --rm --pull never none true', code: 125, stderr: /No such image: none:latest/ },
  {
    line: 'docker run --rm --pull sometimes busybox',
    code: 125,
    stderr: /invalid pull option: 'sometimes'/,
    since: 28,
  },
  { line: 'docker run --rm --platform linux/amd64 busybox echo hi', stdout: 'hi\n' },
  {
    line: 'docker create --pull never --platform linux/s390x busybox',
    code: 1,
    stderr:
      /image with reference busybox:latest was found but its platform \(linux\/\w+\) does not match the specified platform \(linux\/s390x\)/,
  },
  {
    line: 'docker run --rm --gpus all busybox true',
    code: 125,
    stderr: /could not select device driver "" with capabilities: \[\[gpu\]\]/,
  },
  {
    line: 'docker run --rm --storage-opt size=1g busybox true',
    code: 125,
    stderr: /--storage-opt is supported only for overlay over xfs/,
  },
  { line: 'docker run --rm --ulimit nofile=64:64 busybox sh -c "ulimit -n"', stdout: '64\n' },
  { line: 'docker run --rm --ulimit foo=1 busybox true', code: 125, stderr: /invalid ulimit type: foo/ },
  { line: 'docker run --rm --stop-signal FOO busybox true', code: 125, stderr: /invalid signal: FOO/ },
  { line: 'docker run --rm -v /etc:/x:ro busybox touch /x/y', code: 1, stderr: /Read-only file system/ },
  { line: 'docker run --rm -v /x busybox sh -c "grep -c \' /x \' /proc/mounts"', stdout: '1\n' },
  { line: 'docker run --rm -v %v:/x busybox touch /x/y && docker volume rm %v', stdout: /^\w+v\n$/ },
  {
    line: 'docker run --rm -v a/b:/x busybox true',
    code: 125,
    stderr: /"a\/b" includes invalid characters for a local volume name/,
  },
  { line: 'docker run --rm -v /etc:/x:bogus busybox true', code: 125, stderr: /invalid mode: bogus/ },
  {
    line: 'docker run --rm --mount type=bind,src=/none,dst=/x busybox true',
    code: 125,
    stderr: /bind source path does not exist: \/none/,
  },
  {
    line: 'docker run --rm --mount type=tmpfs,dst=/x,tmpfs-size=1m busybox sh -c "df /x | tail -1"',
    stdout: /^tmpfs +1024 /,
  },
  { line: 'docker run --rm --tmpfs /x:size=1m busybox sh -c "df /x | tail -1"', stdout: /^tmpfs +1024 / },
  { line: 'docker run --rm --entrypoint echo busybox hi', stdout: 'hi\n' },
  {
    line: 'docker run --rm -w /tmp -u 1000:1000 --group-add 5 busybox sh -c "pwd; id -u; id -G"',
    stdout: '/tmp\n1000\n1000 5\n',
  },
  { line: 'docker run --rm --init busybox sh -c "cat /proc/1/comm"', stdout: 'docker-init\n' },
  { line: 'docker run --rm --read-only busybox touch /x', code: 1, stderr: /Read-only file system/ },
  { line: 'docker run --rm -m 3m busybox true', code: 125, stderr: /Minimum memory limit allowed is 6MB/ },
  { line: 'docker run --rm --cpus 1000 busybox true', code: 125, stderr: /range of CPUs is from 0\.01 to/ },
  { line: 'docker run --rm --device /dev/null:/dev/nil busybox ls /dev/nil', stdout: '/dev/nil\n' },
  { line: 'docker run --rm --cap-add BOGUS busybox true', code: 125, stderr: /unknown capability: "CAP_BOGUS"/ },
  { line: 'docker run --rm --security-opt no-new-privileges --cap-drop ALL busybox id -u', stdout: '0\n' },
  { line: 'docker run --rm --runtime bogus busybox true', code: 125, stderr: /unknown or invalid runtime name: bogus/ },
  {
    line: 'docker run --rm --log-driver bogus busybox true',
    code: 125,
    stderr: /no log driver named 'bogus' is registered/,
  },
  { line: 'docker run --rm --volumes-from none busybox true', code: 125, stderr: NONE },
  { line: 'docker run --rm --restart always busybox true', code: 125, stderr: /onflicting options/ },
  { line: 'docker run --rm --network none-such busybox true', code: 125, stderr: /network none-such not found/ },
  { line: 'docker run --rm -h name --domainname dom busybox hostname -f', stdout: 'name.dom\n' },
  { line: 'docker run --rm --shm-size 1m busybox sh -c "df /dev/shm | tail -1"', stdout: /^shm +1024 / },
  { line: 'docker run --rm --annotation a=b busybox true', since: 28 },
  { line: 'docker run --rm busybox none', code: 127, stderr: /exec: "none": executable file not found in \$PATH/ },
  { line: 'docker run --rm busybox /etc', code: 126, stderr: /permission denied/ },
  { line: 'docker run --rm UPPER', code: 125, stderr: /must be lowercase/ },
  { line: 'docker run -it --rm busybox true', code: 1, stderr: /the input device is not a TTY/ },
  {
    line: 'docker run -d --sig-proxy=false --name %d busybox sleep 100 && docker rm -f %d',
    stdout: /^[0-9a-f]{64}\n\w+d\n$/,
  },
  {
    line: 'docker create --name box busybox',
    code: 1,
    stderr: /The container name "\/box" is already in use by container/,
  },
  {
    line: 'echo in | docker run --rm -i --detach-keys ctrl-x,x busybox cat',
    stdout: 'in\n',
  },

  { line: "docker exec -e X=1 -w /tmp -u 1000:1000 box sh -c 'echo $X $PWD $(id -u)'", stdout: '1 /tmp 1000\n' },
  { line: 'docker exec -d box true', stdout: '' },
  { line: 'docker exec --privileged box id -u', stdout: '0\n' },
  { line: 'echo hi | docker exec -i box cat', stdout: 'hi\n' },
  { line: 'docker exec -t box echo hi', stdout: 'hi\r\n' },
  { line: "echo Q=2 >$TMP/q; docker exec --env-file $TMP/q box sh -c 'echo $Q'", stdout: '2\n' },
  { line: 'docker exec box sh -c "exit 9"', code: 9 },
  { line: 'docker exec box none', code: 127 },
  { line: 'docker exec idle true', code: 1, stderr: /container [0-9a-f]{64} is not running/ },
  { line: 'docker exec none true', code: 1, stderr: NONE },

  { line: 'docker logs box', stdout: 'out\n', stderr: 'err\n' },
  { line: 'docker logs -t box 2>/dev/null', stdout: /^\d{4}-\S+T\S+Z out\n$/ },
  { line: 'docker logs --details box 2>/dev/null', stdout: /out\n$/ },
  { line: 'docker logs --since 1h --until 0s box 2>&1 | wc -l', stdout: '2\n' },
  { line: 'docker logs --until 1h box', stdout: '', stderr: '' },
  { line: 'docker logs --tail 1 box 2>&1', stdout: 'err\n' },
  { line: 'docker logs --since bogus box', code: 1, stderr: /invalid value for "since"/ },
  { line: 'docker logs none', code: 1, stderr: NONE },

  { line: 'docker port box 80', stdout: '127.0.0.1:8080\n' },
  { line: 'docker port box | sort', stdout: /53\/udp -> 0\.0\.0\.0:\d+\n.*80\/tcp -> 127\.0\.0\.1:8080\n$/s },
  { line: 'docker port box 99', code: 1, stderr: /No public port '99(\/tcp)?' published for box/ },
  { line: 'docker wait done', stdout: '3\n' },
  { line: 'docker wait none', code: 1, stderr: NONE },
  { line: 'docker rename box done', code: 1, stderr: /The container name "\/done" is already in use/ },
  { line: 'docker rename box box', code: 1, stderr: /Renaming a container with the same name as its current name/ },
  { line: 'docker rename box "a b"', code: 1, stderr: /Invalid container name \(a b\)/ },
  { line: 'docker create --name %r busybox >/dev/null && docker rename %r %s && docker rm %s', stdout: /^\w+s\n$/ },
  {
    line: 'docker attach --no-stdin done',
    code: 1,
    stderr: /You cannot attach to a stopped container, start it first/,
  },
  {
    line: 'docker run -d --name %b busybox sh -c "sleep 2; echo late; exit 5" >/dev/null; docker attach --no-stdin --sig-proxy=false %b',
    code: 5,
    stdout: 'late\n',
  },
  { line: 'docker attach none', code: 1, stderr: NONE },
  { line: 'docker start box', stdout: 'box\n' },
  {
    line: 'docker create --name %a busybox sh -c "echo hi; exit 4" >/dev/null; docker start -a %a',
    code: 4,
    stdout: 'hi\n',
  },
  { line: 'docker start none', code: 1, stderr: NONE },
  { line: 'docker stop -t 0 done', stdout: 'done\n' },
  { line: 'docker kill done', code: 1, stderr: /cannot kill container: done: container [0-9a-f]{64} is not running/i },
  { line: 'docker kill -s BOGUS box', code: 1, stderr: /[iI]nvalid signal: BOGUS/ },
  { line: 'docker restart -t 0 none', code: 1, stderr: NONE },
  { line: 'docker rm box', code: 1, stderr: /cannot remove container "\/box": container is running/i },
  { line: 'docker rm none', code: 1, stderr: NONE },
  { line: 'docker container inspect -s -f "{{.SizeRootFs}}" box', stdout: /^\d+\n$/ },
  { line: 'docker container prune -f --filter label=none', stdout: /Total reclaimed space: 0B/ },

  { line: 'docker top box', stdout: /^UID +PID +PPID .*CMD\n.*sleep 1000\n$/ },
  { line: 'docker container top box -o pid,comm', stdout: /^PID +COMMAND\n\d+ +sleep\n$/ },
  { line: 'docker top box -ef f', stdout: /sleep 1000\n$/ },
  { line: 'docker top box -eo pid,foo', code: 1, stderr: /ps: error: unknown user-defined format specifier "foo"\n$/ },
  { line: 'docker top box -eo comm', code: 1, stderr: /Couldn't find PID field in ps output/ },
  { line: 'docker top box -o comm=PID', code: 1, stderr: /specifying "comm=PID" is not allowed/ },
  { line: 'docker top idle', code: 1, stderr: /container [0-9a-f]{64} is not running/ },
];

/** Commands about images, as far as they need no registry. */
export const imageRows: readonly Row[] = [
  {
    line: 'docker image ls --filter reference="busy*" --format "{{.Repository}}:{{.Tag}}"',
    stdout: 'busybox:latest\n',
  },
  { line: 'docker images -q --filter dangling=true', stdout: '' },
  { line: 'docker images --filter bogus=1', code: 1, stderr: /invalid filter 'bogus'/ },
  { line: 'docker image inspect -f "{{.Os}}" busybox', stdout: 'linux\n' },
  { line: 'docker image inspect none', code: 1, stderr: /No such image: none/ },
  { line: 'docker history -q --no-trunc busybox', stdout: /^sha256:[0-9a-f]{64}\n/ },
  {
    line: 'docker image history --human=false busybox',
    stdout: /^IMAGE +CREATED AT +CREATED BY +SIZE +COMMENT\n[0-9a-f]{12} +\d{4}-/,
  },
  { line: 'docker history none', code: 1, stderr: /No such image: none:latest/ },
  { line: 'docker tag busybox %t:1 && docker rmi %t:1', stdout: /^Untagged: \w+t:1\n$/ },
  { line: 'docker tag busybox UP', code: 1, stderr: /must be lowercase/ },
  { line: 'docker rmi none', code: 1, stderr: /No such image: none/ },
  { line: 'docker image prune -f --filter label=none', stdout: 'Total reclaimed space: 0B\n' },
  { line: 'docker image prune -af --filter label=none --filter until=1h', stdout: 'Total reclaimed space: 0B\n' },
  { line: 'docker image prune -f --filter bogus=1', code: 1, stderr: /invalid filter 'bogus'/ },
  { line: 'docker save busybox | tar -t | grep -c manifest.json', stdout: '1\n' },
  { line: 'docker save -o $TMP/image busybox && docker load -qi $TMP/image', stdout: 'Loaded image: busybox:latest\n' },
  { line: 'docker save none', code: 1, stderr: /No such image: none:latest/ },
  { line: 'echo x | docker load', code: 1, stderr: /Error response from daemon: / },
  { line: 'tar -c -C /etc hostname | docker import -c "CMD x" - %i:1 && docker rmi -f %i:1', stdout: /^sha256:/ },
  {
    line: 'docker push busybox:none',
    code: 1,
    stdout: /^The push refers to repository /,
    stderr: /tag does not exist: busybox:none/,
  },
  { line: 'docker push none', code: 1, stderr: /An image does not exist locally with the tag: none/ },
  { line: 'docker search busybox', code: 1, stderr: /berth does not search registries; use: skopeo list-tags/ },
];

/** Networks, volumes, the system. */
export const otherRows: readonly Row[] = [
  { line: 'docker network ls --filter driver=bridge --filter name=net1 --format "{{.Name}}"', stdout: 'net1\n' },
  { line: 'docker network inspect -f "{{.Driver}}" net1', stdout: 'bridge\n' },
  { line: 'docker network inspect none-such', code: 1, stderr: /[nN]etwork:? none-such/ },
  {
    line: 'docker network create %n >/dev/null && docker network connect --alias web %n idle && docker network disconnect %n idle && docker network rm %n',
    stdout: /^\w+n\n$/,
  },
  { line: 'docker network rm net1', code: 1, stderr: /network net1 has active endpoints/ },
  { line: 'docker network rm bridge', code: 1, stderr: /bridge is a pre-defined network and cannot be removed/ },
  { line: 'docker network prune -f --filter label=none', stdout: '' },
  { line: 'docker volume create %w && docker volume rm %w', stdout: /^(\w+w)\n\1\n$/ },
  { line: 'docker volume inspect -f "{{.Driver}}" vol', stdout: 'local\n' },
  { line: 'docker volume inspect none', code: 1, stderr: /no such volume/i },

  { line: 'docker inspect -f "{{.Name}}" box', stdout: '/box\n' },
  { line: 'docker inspect --type container busybox', code: 1, stderr: /No such container: busybox/ },
  { line: 'docker inspect --type image -f "{{.Os}}" busybox', stdout: 'linux\n' },
  { line: 'docker inspect --type network -f "{{.Name}}" net1', stdout: 'net1\n' },
  { line: 'docker inspect --type volume -f "{{.Name}}" vol', stdout: 'vol\n' },
  { line: 'docker inspect --type node none', code: 1, stderr: SWARM },
  { line: 'docker inspect --type plugin none', code: 1, stderr: /[pP]lugin.*none/ },
  { line: 'docker inspect none-such', code: 1, stderr: /No such object: none-such/ },
  { line: 'docker inspect -f "{{.Bogus}}" box', code: 1, stderr: /map has no entry for key "Bogus"/ },

  { line: 'docker version -f "{{.Server.Os}} {{.Server.MinAPIVersion}}"', stdout: 'linux 1.24\n' },
  { line: 'docker info -f "{{.Driver}} {{.Swarm.LocalNodeState}}"', stdout: 'overlay2 inactive\n' },
  { line: 'docker system info | grep -c "^ Swarm: inactive$"', stdout: '1\n' },
  { line: 'docker info 2>&1 | grep -c "expected:"', code: 1, stdout: '0\n' },
  { line: 'docker system df --format "{{.Type}}"', stdout: 'Images\nContainers\nLocal Volumes\nBuild Cache\n' },
  {
    line: 'docker system events --since 1h --until -1s --filter container=done --filter event=die --format "{{.Action}} {{.Actor.Attributes.exitCode}}"',
    stdout: 'die 3\n',
  },
  {
    line: 'docker events --since 1h --until -1s --filter network=net1 --filter event=create --format "{{json .Type}}"',
    stdout: '"network"\n',
  },
  { line: 'docker events --since bogus --until 0s', code: 1, stderr: /bogus/ },
  { line: 'docker system dial-stdio </dev/null', stdout: '' },
  { line: 'docker builder prune -f', stdout: /Total reclaimed space: 0B/ },

  { line: 'docker context create % --docker host=$DOCKER_HOST --description d', stdout: /^\w+\n$/ },
  { line: 'docker context inspect -f "{{.Endpoints.docker.Host}}" %', stdout: /^unix:.*berth\.sock\n$/ },
  { line: 'docker context ls --format "{{.Name}}"', stdout: /^default$/m },
  { line: 'env -u DOCKER_HOST docker --context % ps -q --filter name=box', stdout: /^[0-9a-f]{12}\n$/ },
  {
    line: 'unset DOCKER_HOST DOCKER_CONTEXT; docker context use % && docker ps --filter name=box --format "{{.Names}}"; docker context use default',
    stdout: /\nbox\ndefault\n$/,
  },
  { line: 'docker context export % - | tar -t', stdout: /meta\.json/ },
  { line: 'docker context rm %', stdout: /^\w+\n$/ },
  { line: 'docker -H $DOCKER_HOST ps -q --filter name=box', stdout: /^[0-9a-f]{12}\n$/ },
];

/** What Berth does not have: refused, and nothing hangs. */
export const refusedRows: readonly Row[] = [
  {
    line: 'DOCKER_BUILDKIT=0 docker build - </dev/null',
    code: 1,
    stderr: /berth does not build images; use Buildah: buildah bud/,
  },
  { line: 'docker swarm init', code: 1, stderr: /berth has no swarm mode; .*berth cluster init/ },
  { line: 'docker swarm join --token x 127.0.0.1:2377', code: 1, stderr: /berth has no swarm mode/ },
  { line: 'docker swarm leave', code: 1, stderr: /This node is not part of a swarm/ },
  ...[
    'swarm join-token worker',
    'swarm unlock-key',
    'swarm ca',
    'service ls',
    'service create busybox',
    'service ps x',
    'service rm x',
    'service logs x',
    'stack ls',
    'stack ps x',
    'node ls',
    'node inspect self',
    'node ps',
    'secret ls',
    'secret rm x',
    'config ls',
    'config inspect x',
  ].map((command) => ({ line: `docker ${command}`, code: 1, stderr: SWARM })),
  { line: 'echo x | docker secret create x -', code: 1, stderr: SWARM },
  { line: 'docker plugin ls -q', stdout: '' },
  { line: 'docker plugin install --grant-all-permissions none', code: 1, stderr: /berth has no plugins/ },
  ...['enable x', 'disable x', 'set x a=b', 'push x'].map((command) => ({
    line: `docker plugin ${command}`,
    code: 1,
    stderr: /berth has no plugins/,
  })),
  ...['inspect x', 'rm x', 'upgrade x y'].map((command) => ({
    line: `docker plugin ${command}`,
    code: 1,
    stderr: /plugin "x" not found|No such plugin: x/,
  })),
  ...['ls box', 'create box one', 'rm box one'].map((command) => ({
    line: `docker checkpoint ${command}`,
    code: 1,
    stderr: /only supported on a Docker daemon with experimental features enabled/,
  })),
  { line: 'docker trust inspect busybox', code: 1, stderr: /[nN]o signatures or cannot access busybox/ },
  { line: 'docker manifest inspect 127.0.0.1:9/none', code: 1, stderr: /connection refused/ },
  { line: 'docker buildx ls', code: 1, stderr: /docker(: unknown command|: 'buildx' is not a docker command)/ },
];
