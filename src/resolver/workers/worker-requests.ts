// What the workers were asked and have not answered: each reply finds who asked, and nobody waits for a worker that ended.
import { AppError, formatDuration } from '../../base/base.ts';
import type { WorkerReply } from './messages.ts';

/** Time for a worker to answer a request, milliseconds: opening sockets and building prefix tables takes far less. */
const REQUEST_MS_MAX = 30_000;

/** What a worker says when it has done what it was asked. */
export type DoneReply = Extract<WorkerReply, { kind: 'done' }>;

interface Request {
  readonly worker: number;
  resolve(reply: DoneReply): void;
  reject(error: Error): void;
}

/** The requests of one supervisor. */
export class WorkerRequests {
  readonly #requests = new Map<number, Request>();
  #last = 0;

  /** The number of another request. */
  next(): number {
    return ++this.#last;
  }

  /** The reply to a request that is on its way. Rejects with ERR_APP_WORKER when none comes in time. */
  reply(worker: number, request: number): Promise<DoneReply> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#requests.delete(request);
        reject(
          new AppError(
            'ERR_APP_WORKER',
            `asking worker ${worker}: no reply in ${formatDuration(REQUEST_MS_MAX)}`,
          ),
        );
      }, REQUEST_MS_MAX);
      const settle = (): void => {
        clearTimeout(timer);
        this.#requests.delete(request);
      };
      this.#requests.set(request, {
        worker,
        resolve: (reply) => {
          settle();
          resolve(reply);
        },
        reject: (error) => {
          settle();
          reject(error);
        },
      });
    });
  }

  /** A reply came; one that nobody waits for any more is nobody's. */
  settle(reply: WorkerReply): void {
    const request = this.#requests.get(reply.request);
    if (reply.kind === 'done') request?.resolve(reply);
    else
      request?.reject(
        new AppError(reply.code, reply.text, reply.hint === undefined ? {} : { hint: reply.hint }),
      );
  }

  /** A worker ended: it answers nothing any more. */
  fail(worker: number): void {
    for (const request of [...this.#requests.values()]) {
      if (request.worker === worker) {
        request.reject(new AppError('ERR_APP_WORKER', `asking worker ${worker}: it ended`));
      }
    }
  }
}
