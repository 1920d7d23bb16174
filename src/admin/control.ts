// What the admin room asks the running program for, and nothing else: the program implements it.

/** The program as its operators see it. */
export interface Control {
  readonly version: string;
  /** The media type of metrics(). */
  readonly metricsContentType: string;
  /** The text of one scrape. */
  metrics(): Promise<string>;
  /** Whether queries are answered and refusals given; the causes, in words, when not. */
  readiness(): { readonly ready: boolean; readonly causes: readonly string[] };
}

/** Takes what an operator has to know. */
export interface AdminLog {
  error(fields: object, text: string): void;
}
