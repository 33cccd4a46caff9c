/** Where the engine keeps files. */
export interface Paths {
  /** Durable: logs, changed files, network files; private to the container. */
  container(id: string): string;
  containers: string;
  log(id: string): string;
  upper(id: string): string;
  work(id: string): string;
  netFiles(id: string): string;
  volumes: string;
  /** All below: until the next reboot. */
  bundles: string;
  bundle(id: string): string;
  rootfs(id: string): string;
  /** /dev/shm of a container that others may join. */
  shm(id: string): string;
  attach(id: string): string;
  /** Parts of volumes, bound for a container. Not in its bundle, which is deleted with all that is in it. */
  subpaths(id: string): string;
  allSubpaths: string;
  exitFile(id: string): string;
  execs: string;
  exec(id: string): string;
  /** State of crun or runc. */
  runtime: string;
}

export function pathsOf(dataRoot: string, execRoot: string): Paths {
  const containers = `${dataRoot}/containers`;
  const bundles = `${execRoot}/c`;
  const execs = `${execRoot}/e`;
  const allSubpaths = `${execRoot}/v`;
  return {
    containers,
    container: (id) => `${containers}/${id}`,
    log: (id) => `${containers}/${id}/container.log`,
    upper: (id) => `${containers}/${id}/upper`,
    work: (id) => `${containers}/${id}/work`,
    netFiles: (id) => `${containers}/${id}/net`,
    volumes: `${dataRoot}/volumes`,
    bundles,
    bundle: (id) => `${bundles}/${id}`,
    rootfs: (id) => `${bundles}/${id}/rootfs`,
    shm: (id) => `${bundles}/${id}/shm`,
    attach: (id) => `${bundles}/${id}/attach`,
    // Not exit/: conmon writes a file of that name into its persist directory.
    // conmon names the file by the container's ID; a directory for each saves a watch over all of them.
    exitFile: (id) => `${bundles}/${id}/x/${id}`,
    allSubpaths,
    subpaths: (id) => `${allSubpaths}/${id}`,
    execs,
    exec: (id) => `${execs}/${id.slice(0, 32)}`,
    runtime: `${execRoot}/runtime`,
  };
}
