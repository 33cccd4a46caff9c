/** The event stream of `GET /events`: published by the engine, the networks and the images. */
export interface EngineEvent {
  Type: 'container' | 'image' | 'network' | 'daemon' | 'volume';
  Action: string;
  Actor: { ID: string; Attributes: Record<string, string> };
  scope: 'local';
  /** Seconds since 1970. */
  time: number;
  timeNano: number;
}

export type Publish = (
  type: EngineEvent['Type'],
  action: string,
  id: string,
  attributes: Readonly<Record<string, string>>,
) => void;

const HISTORY = 256;

/** Keeps the last 256 events, as dockerd does, so that `since` can look back. */
export class EventBus {
  #history: EngineEvent[] = [];
  #listeners = new Set<(event: EngineEvent) => void>();

  readonly publish: Publish = (type, action, id, attributes) => {
    const now = Date.now();
    const event: EngineEvent = {
      Type: type,
      Action: action,
      Actor: { ID: id, Attributes: { ...attributes } },
      scope: 'local',
      time: Math.floor(now / 1000),
      timeNano: now * 1_000_000,
    };
    this.#history.push(event);
    if (this.#history.length > HISTORY) this.#history.shift();
    for (const listener of this.#listeners) listener(event);
  };

  history(): readonly EngineEvent[] {
    return this.#history;
  }

  /** How many subscriptions there are. */
  listeners(): number {
    return this.#listeners.size;
  }

  /** Returns the function that ends the subscription. */
  subscribe(listener: (event: EngineEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
