/** Names of network interfaces. */

/**
 * dev_valid_name() of the kernel (net/core/dev.c): 1 to 15 bytes, neither white space nor '/' nor ':', not '.' and '..'. Of '%d' it makes a
 * number (dev_alloc_name), and no other '%' may be. The sysctls of all interfaces are called 'all' and 'default' (net/ipv4/devinet.c):
 * no interface may be.
 */
export const isInterfaceName = (name: string): boolean =>
  /^[^\s/:%\0]{1,15}$/.test(name) && !/^(?:\.\.?|all|default)$/.test(name);
