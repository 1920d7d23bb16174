// What the admin room asks the running program for, and nothing else: the program implements it.

/** Whether clients may be sent here. Plain data. */
export interface Readiness {
  /** Queries are answered, and the prohibition is in force or, by decision, concerns nobody. */
  readonly ready: boolean;
  /** Queries are answered. */
  readonly answering: boolean;
  /** Why it is not ready, in words of a closed set. */
  readonly causes: readonly string[];
  /** Of the prohibition, for the whole service. */
  readonly state: string;
  /** The same for people. */
  readonly text: string;
  /** What to do about it. */
  readonly todo?: string | undefined;
  /** By group. */
  readonly groups: readonly object[];
}

/** The program as its operators see it. */
export interface Control {
  readonly version: string;
  /** The media type of metrics(). */
  readonly metricsContentType: string;
  /** The text of one scrape. */
  metrics(): Promise<string>;
  readiness(): Readiness;
}

/** Takes what an operator has to know. */
export interface AdminLog {
  error(fields: object, text: string): void;
}
