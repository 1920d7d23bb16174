// The addresses that are in force, for firewalls that poll them: made when they are first asked for, once a generation.
import { AppError, systemClock } from '../../base/base.ts';
import type { Config } from '../../config/config.ts';
import { exportAddresses } from '../generation/generation.ts';
import type { AddressForm } from '../lists/lists.ts';
import { readKeptPaths } from './status.ts';

/** A file of addresses. */
interface AddressFile {
  readonly text: string;
  readonly sha256: string;
  readonly changedAtMs: number;
}

/** What is in force. */
interface InForce {
  readonly generation: number;
  readonly enforced: Config;
}

/** The files of one program. */
export class AddressFeed {
  readonly #inForce: () => InForce;
  readonly #files = new Map<AddressForm, { generation: number; file: Promise<AddressFile> }>();
  /** When the addresses became what they are; the same for all forms. */
  #mark: { readonly sha256: string; readonly serial: number; readonly changedAtMs: number } | undefined;

  constructor(inForce: () => InForce) {
    this.#inForce = inForce;
  }

  /** The file in a form. Several who ask at the same time share one reading of the lists. */
  read(form: AddressForm): Promise<AddressFile> {
    const { generation, enforced } = this.#inForce();
    if (generation === 0)
      return Promise.reject(
        new AppError('ERR_APP_EXPORT', 'exporting addresses: the lists are not loaded yet'),
      );
    const known = this.#files.get(form);
    if (known?.generation === generation) return known.file;
    const file = this.#make(form, enforced);
    this.#files.set(form, { generation, file });
    // What failed is tried again: a list that could not be read may be there at the next poll.
    file.catch(() => {
      if (this.#files.get(form)?.file === file) this.#files.delete(form);
    });
    return file;
  }

  async #make(form: AddressForm, enforced: Config): Promise<AddressFile> {
    const nowMs = systemClock();
    const pathOf = await readKeptPaths(enforced, systemClock);
    // Seconds never go back, even over a restart on the same day.
    const serialNow = Math.floor(nowMs / 1000);
    const request = {
      form,
      lists: [],
      isMandateOnly: false,
      nowMs,
      previous: undefined,
      resolve: undefined,
    } as const;
    const first = await exportAddresses(enforced, { ...request, serial: serialNow }, pathOf);
    const { sha256 } = first.facts;
    if (this.#mark?.sha256 !== sha256) this.#mark = { sha256, serial: serialNow, changedAtMs: nowMs };
    const { serial, changedAtMs } = this.#mark;
    const { text } =
      serial === serialNow ? first : await exportAddresses(enforced, { ...request, serial }, pathOf);
    return { text, sha256, changedAtMs };
  }
}
