/**
 * Where Berth answers otherwise than Debian's dockerd 20.10, and why. One that no difference needs fails the test, so the list stays true;
 * docs/compatibility.md shows the reasons.
 */
import type { Accepted, Difference } from './compare.ts';

const sameButCase = ({ berth, dockerd }: Difference): boolean =>
  berth.toLowerCase().replace(/[^a-z]/g, '') === dockerd.toLowerCase().replace(/[^a-z]/g, '');

/** One is nothing, the other nothing written out. */
const bothEmpty = ({ berth, dockerd }: Difference): boolean =>
  [berth, dockerd].every((value) => /^(nothing|null|\[\]|\{\}|""|0|false)$/.test(value));

/** Docker Engine 28 is the reference, and 20.10 differs from it. */
export const NEWER: readonly Accepted[] = [
  {
    path: /^headers\.(api-version|builder-version|docker-experimental|ostype)$/,
    reason:
      'Berth speaks API 1.52 and says so, dockerd 20.10 speaks 1.41; both are asked in 1.41. The headers that describe a daemon stand in every answer, in those to unknown paths, too.',
  },
  {
    path: /^status$/,
    berth: /^40[049]$/,
    dockerd: /^500$/,
    reason:
      'Bad input is answered with 400, 404 or 409, as by newer dockerds; for 20.10 much of it is an internal error (500).',
  },
  {
    call: /: POST \/(containers|networks)\/(create|aa\/wait)/,
    path: /^(status|body\.(message|Id|Warnings|StatusCode|Warning|Error))$/,
    berth: /^(400|nothing|".*")$/,
    dockerd: /^(20[01]|403|nothing|"<id>"|\[\]|""|0|null|".*")$/,
    reason:
      'What cannot work is refused when it is created, in the words of Docker Engine 28; 20.10 has other words, overlooks it, or fails at the start.',
  },
  {
    path: /^body\.message$/,
    when: sameButCase,
    reason: 'Messages begin with small letters and have no odd spaces, as newer ones do.',
  },
  {
    path: /^body\.(message|State\.Error|Error\.Message)$/,
    berth:
      /failed to create task for container: |failed to set up container networking: |invalid JSON: |invalid (network config|endpoint settings):|is not a unix timestamp|"invalid filter|invalid reference format|must be a whole number/,
    reason: 'Newer dockerds say in front of a message what failed, and do not pass on what Go’s libraries say.',
  },
  {
    path: /^body\.message$/,
    berth:
      /cannot (remove|kill) container|is paused, unpause|cannot connect container to host network|No such (container|image): |endpoint w1 not found|value is empty|Invalid container name|path cannot be empty/,
    reason: 'The words of Docker Engine 28 where it changed them.',
  },
  {
    path: /\.(EnableIPv4|GwPriority|DNSNames)$/,
    dockerd: /^nothing$/,
    reason: 'Fields of networks and endpoints that newer versions of the API have; older clients overlook them.',
  },
  {
    path: /\.(Kernel(Memory|MemoryTCP))$|^body\.(BuilderSize|ContainerdCommit\.Expected|RuncCommit\.Expected|InitCommit\.Expected|Runtimes\..*)$/,
    berth: /^nothing$/,
    reason:
      'Fields that newer versions of the API do not have any more; limits of the kernel’s own memory, which Linux gave up.',
  },
  {
    path: /^body\.(Images|Containers|Volumes|BuildCache|)(Usage|BuildCacheUsage|ImageUsage|ContainerUsage|VolumeUsage|CDISpecDirs|FirewallBackend|Runtimes\.crun)$/,
    dockerd: /^nothing$/,
    reason: 'Newer answers about the daemon say more: runtimes, the firewall, sums of what is used.',
  },
  {
    path: /HostConfig\.NetworkMode$/,
    berth: /^"bridge"$/,
    dockerd: /^"default"$/,
    reason: 'The network of a container that asks for none is called by its name, bridge, as since Docker Engine 26.',
  },
  {
    path: /HostConfig\.RestartPolicy\.Name$/,
    berth: /^"no"$/,
    reason: 'The restart policy of a container that asks for none is shown as no, as since Docker Engine 24.',
  },
  {
    path: /HostConfig\.OomKillDisable$/,
    berth: /^null$/,
    reason: 'Whether the OOM killer is off is null where nobody asked, as where the kernel has no such switch.',
  },
  {
    path: /HostConfig\.MaskedPaths\./,
    berth: /^true$/,
    reason: 'Newer dockerds hide /proc/interrupts and /sys/devices/virtual/powercap from containers.',
  },
  {
    path: /IPAM\.Config(\[\d\]\.Gateway)?$/,
    reason:
      'A network’s gateway is shown whether it was asked for or chosen, as in newer ones; host and none have no addresses, which newer ones say by null.',
  },
  {
    path: /Config\.MacAddress$/,
    dockerd: /^nothing$/,
    reason: 'To clients of before 1.44 a running container’s hardware address is shown where they look for it.',
  },
  {
    path: /NetworkSettings\.(SandboxID|SandboxKey)$/,
    berth: /^""$/,
    reason:
      'A container that does not run has no sandbox, and none is shown; 20.10 shows the last one, or the one to come.',
  },
  {
    call: /: GET \/containers\/(f1|f2|f4|p2)\/json/,
    path: /Networks\.bridge\.NetworkID$/,
    reason: 'A container that never started shows no network’s ID.',
  },
  {
    call: /wait$/,
    path: /^body\.Error$/,
    when: bothEmpty,
    reason: '`wait` tells of an error only where there was one, as newer ones do.',
  },
  {
    call: /\/logs\?/,
    path: /^headers\.content-type$/,
    dockerd: /^nothing$/,
    reason: 'Logs come with a content type, as in newer ones.',
  },
  {
    call: /v1\.11\/version|nobody\/attach/,
    path: /^(body|headers\.content-type)$/,
    reason:
      'Refusals are JSON with a message everywhere: to clients that are too old, and before a connection is taken over, too.',
  },
  {
    call: /POST \/exec\/\{e1\}\/start/,
    path: /^(status|headers\..*|body\.(message|stdout))$/,
    reason:
      'An exec that already ran is refused with 409; 20.10 takes the connection over and writes the refusal into it.',
  },
  {
    call: /GET \/exec\/\{e5\}\/json/,
    path: /^body\.ExitCode$/,
    reason: 'A program that is not found gives 127, one that cannot be run 126; 20.10 says 126 in an exec for both.',
  },
  {
    call: /^volumes: POST \/volumes\/create \{\}/,
    path: /^body\.Labels$/,
    reason: 'Anonymous volumes bear the label by which newer dockerds know them.',
  },
];

/** Berth is built otherwise. */
export const BUILT_OTHERWISE: readonly Accepted[] = [
  {
    path: /GraphDriver\.Data\.|(ResolvConf|Hostname|Hosts|Log)Path$/,
    reason: 'Files of a container lie elsewhere, and its layers are those of the store that Podman and Buildah share.',
  },
  {
    path: /\.?(Size|VirtualSize|LayersSize|SizeRootFs|SharedSize|TotalSize)$/,
    reason:
      'Sizes of images are those of their layers’ archives, as the shared store keeps them; dockerd adds up files.',
  },
  {
    path: /RepoDigests|\[\d\]\.(Untagged|Deleted)$|^body\[\d\]$/,
    call: /images|the daemon: GET \/system\/df/,
    reason:
      'The shared store knows the digest of every image, pulled or not; dockerd 20.10 only of those that came from a registry.',
  },
  {
    call: /^images/,
    path: /^body\.(DockerVersion|Parent|Container|ContainerConfig\..*|Metadata\.LastTagTime)$|^body\[\d\]\.(Id|Tags)$/,
    reason:
      'What Docker itself noted in images and Docker Engine 28 does not show any more: the container they were made of, the image before, the time of a tag.',
  },
  {
    call: /^images.*made:1\/json/,
    path: /^body\.Config\.Env/,
    reason:
      'Variables of `commit --change ENV` stand behind those of the image; dockerd puts them before. No name is in both.',
  },
  {
    call: /POST \/images\/load/,
    path: /^(status|body.*|headers\..*)$/,
    reason:
      'What is no archive of an image is refused with 400; dockerd says 200 and tells of the error in the stream.',
  },
  {
    path: /(HostConfig|IPAM)\.\w+$|^body\.(Warnings|BuildCache|ImagesDeleted)$/,
    when: bothEmpty,
    reason: 'Lists and tables of which a client said nothing are empty here and null there.',
  },
  {
    path: /blkio_stats\./,
    when: bothEmpty,
    reason: 'Counters of block I/O of which there are none are null, as with dockerd on cgroup v2.',
  },
  {
    call: /files of a container: GET \/containers\/files\/changes/,
    path: /^body\[\d\]/,
    reason:
      'A working directory that is missing is made at the first start; dockerd makes it when the container is created. Changes are in alphabetical order.',
  },
  {
    call: /containers on networks: GET \/containers\/w2\/json/,
    path: /Config\.Hostname$/,
    reason: 'A container in another’s network has that one’s host name without it being written into its own settings.',
  },
  {
    call: /DELETE \/networks\/n2|with active/,
    path: /^body\.message$/,
    reason: 'The refusal to remove a network that is in use names its containers.',
  },
  {
    call: /: GET \/containers\/a\/b\/json/,
    path: /^body\.message$/,
    reason: 'No container is called a/b, and there is no such path.',
  },
  {
    call: /networks that are refused: DELETE \/networks\/x|published ports: POST \/containers\/prune/,
    path: /^status$|^body|content-type$/,
    reason: 'What 20.10 took although it cannot work is there to be removed.',
  },
  {
    call: /\/events\?/,
    path: /execDuration$/,
    dockerd: /^nothing$/,
    reason: 'The event of a container’s end says how long it ran, as in newer ones.',
  },
  {
    call: /\/events\?/,
    path: /\.(Action|status)$/,
    when: ({ berth, dockerd }) => berth === dockerd.replace(' "', '"'),
    reason: 'Events of a command without arguments have no space at the end.',
  },
  {
    call: /commands in a running container: GET \/events/,
    path: /exec_(start|die)/,
    reason:
      'A command that could not be started ends with an exec_die that has its exit code; for dockerd it never ends.',
  },
  {
    call: /volumes: GET \/events/,
    path: /volume create #\d/,
    reason: 'A volume that is there already is not created again, and no event says so.',
  },
  {
    call: /containers on networks: GET \/events/,
    path: /network disconnect #\d/,
    reason: 'A network is left once; 20.10 tells of it again when the container ends and when it is removed.',
  },
  {
    call: /images: GET \/events/,
    path: /Attributes\.name$/,
    reason: 'The event of a name that was taken from an image says which name.',
  },
  {
    path: /HostConfig\.Runtime$/,
    dockerd: /^nothing$/,
    reason: 'The runtime is shown whatever was sent; 20.10 leaves it out when a create has no HostConfig.',
  },
  {
    call: /containers on networks: GET \/containers\/w1\/json/,
    path: /Aliases\.<w1 short>$/,
    reason:
      'To clients of before 1.44 a container’s short ID is among its aliases from its creation on, not from its start.',
  },
  {
    call: /PUT \/containers\/files\/archive.*no archive/,
    path: /^body\.message$/,
    reason: 'What Berth says of a broken archive is not what Go says.',
  },
  {
    call: /POST \/auth/,
    path: /^body\.message$/,
    reason: 'What Node says of a name server that does not answer is not what Go says.',
  },
];
