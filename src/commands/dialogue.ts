// Questions on a terminal, one after the other: lines that were typed or pasted ahead are answers to those that follow.
import { createInterface, type Interface } from 'node:readline';

/** A dialogue on standard input and output. */
export class Dialogue {
  readonly #lines: Interface = createInterface({ input: process.stdin, output: process.stdout });
  readonly #said: string[] = [];
  #waiting: ((line: string) => void) | undefined;
  #isOver = false;

  constructor() {
    this.#lines.on('line', (line) => {
      const waiting = this.#waiting;
      this.#waiting = undefined;
      if (waiting === undefined) this.#said.push(line);
      else waiting(line);
    });
    // Ctrl-D and Ctrl-C say nothing to whatever is asked.
    this.#lines.on('close', () => {
      this.#isOver = true;
      this.#waiting?.('');
    });
  }

  /** The answer without blanks around it; empty when nothing is said. */
  ask(question: string): Promise<string> {
    process.stdout.write(question);
    const said = this.#said.shift();
    if (said !== undefined || this.#isOver) return Promise.resolve((said ?? '').trim());
    return new Promise((resolve) => {
      this.#waiting = (line) => resolve(line.trim());
    });
  }

  close(): void {
    this.#lines.close();
  }
}
