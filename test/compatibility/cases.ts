/** A flag of the stock client and what shows that it does something. */
export interface Case {
  /** Without '--'; several when one line shows them all; none for what is so without a flag. */
  flags: readonly string[];
  /**
   * For sh. `docker` is the client, whichever it is, and so is $DOCKER where a function will not do; `%` begins names of the client's own, PORT is a free port of its own, $ROOT a directory of
   * its own (see flags.test.ts for what is in it).
   */
  line: string;
  /** Of all that the line prints, trimmed. */
  prints: string | RegExp;
  /** The flag is refused: the page shows with which words. */
  refused?: true;
  /** The client alone takes it, and the daemon never hears of it. */
  client?: true;
  /** What a reader must know: when it has no effect, and why. */
  note?: string;
  /** `berth` refuses it before anything is sent. */
  stockOnly?: true;
}

export const words = (text: string): string[] => text.split(' ');
