/** Paths of things in the API. Pure. */

const PLACES = { container: '/containers', image: '/images', network: '/networks', volume: '/volumes' } as const;

/**
 * '/containers/NAME' and the like. An empty name would make it the path of something else; it is refused in docker's
 * words.
 */
export function pathOf(kind: keyof typeof PLACES, name: string): string {
  if (name.trim() === '') throw new Error(`invalid ${kind} name or ID: value is empty`);
  return `${PLACES[kind]}/${encodeURIComponent(name)}`;
}
