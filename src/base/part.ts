// A part of a program: what begins, follows a change of the configuration, and ends. The room of an idea has its part; the
// program puts them in an order, and knows the configuration, whose type a part names for itself.

/** One of them; everything but its name may be left out. */
export interface Part<Config> {
  readonly name: string;
  /** Opens it. What is thrown ends the start. */
  open?(config: Config): Promise<void> | void;
  /** All parts are open: what goes by time begins. */
  begin?(): void;
  /** Once a second. */
  look?(): void;
  /** Another configuration is to be in force: reads what it names. What is thrown keeps it from that. */
  prepare?(config: Config): Promise<void> | void;
  /** That came to nothing: the one that is in force goes on. */
  restore?(config: Config): Promise<void> | void;
  /** Another configuration is in force. */
  follow?(config: Config): Promise<void> | void;
  /** The program ends: nothing of its own begins any more. All are told before the first one is closed. */
  drain?(): void;
  /** Also called after an open() that threw. */
  close?(): Promise<void> | void;
}
