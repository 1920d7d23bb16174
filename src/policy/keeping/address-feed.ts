// The addresses that are in force, for firewalls that poll them: made when they are first asked for, once a generation.
//
// They are read from the contents that the generation was made of: a file that lies there by now, and that no reload took,
// is not what is in force.
import { AppError, systemClock } from '../../base/base.ts';
import type { Config } from '../../config/config.ts';
import { type AddressExport, exportAddresses, type Generation } from '../generation/generation.ts';
import type { AddressForm } from '../lists/lists.ts';

/** A file of addresses. */
interface AddressFile {
  readonly text: string;
  readonly sha256: string;
  readonly changedAtMs: number;
}

/** What is in force. */
interface InForce {
  /** Undefined: nothing yet. */
  readonly generation: Generation | undefined;
  readonly enforced: Config;
}

/** When the addresses became what they are; the same for all forms. */
interface Mark {
  readonly sha256: string;
  readonly serial: number;
  readonly changedAtMs: number;
}

/** The addresses of one generation. */
interface Addresses {
  readonly of: AddressExport;
  readonly mark: Mark;
  readonly texts: Map<AddressForm, string>;
}

/** The files of one program. */
export class AddressFeed {
  readonly #inForce: () => InForce;
  #mark: Mark | undefined;
  #made: { readonly generation: number; readonly addresses: Promise<Addresses> } | undefined;

  constructor(inForce: () => InForce) {
    this.#inForce = inForce;
  }

  /**
   * The file in a form. Several who ask at the same time share one reading of the lists, and so do all forms. Rejects with
   * ERR_APP_EXPORT, ERR_LIST_…, and ERR_LIST_CHANGED where a file is not the one that is in force.
   */
  async read(form: AddressForm): Promise<AddressFile> {
    const { generation, enforced } = this.#inForce();
    if (generation === undefined)
      throw new AppError('ERR_APP_EXPORT', 'exporting addresses: the lists are not loaded yet');
    const { of, mark, texts } = await this.#addressesOf(generation, enforced);
    const text = texts.get(form) ?? of.textAs(form, mark.serial);
    texts.set(form, text);
    return { text, sha256: mark.sha256, changedAtMs: mark.changedAtMs };
  }

  #addressesOf(generation: Generation, enforced: Config): Promise<Addresses> {
    const number = generation.policy.generation;
    if (this.#made?.generation === number) return this.#made.addresses;
    const made = { generation: number, addresses: this.#make(generation, enforced) };
    this.#made = made;
    // What failed is tried again: a list that could not be read may be there at the next poll.
    made.addresses.catch(() => {
      if (this.#made === made) this.#made = undefined;
    });
    return made.addresses;
  }

  async #make({ lists }: Generation, enforced: Config): Promise<Addresses> {
    const nowMs = systemClock();
    const loadedOf = new Map(lists.map(({ id, loaded }) => [id, loaded]));
    // Seconds never go back, even over a restart on the same day.
    const serial = Math.floor(nowMs / 1000);
    const request = {
      ...({ form: 'plain', lists: [], isMandateOnly: false } as const),
      ...{ serial, nowMs, previous: undefined, resolve: undefined },
    };
    const of = await exportAddresses(enforced, request, ({ id }) => loadedOf.get(id)?.path);
    for (const { id, sha256 } of of.facts.lists) {
      if (loadedOf.get(id)?.sha256 === sha256) continue;
      throw new AppError(
        'ERR_LIST_CHANGED',
        `exporting addresses: the content of list ${id} is not the one that is in force`,
        { hint: 'Reload the lists.' },
      );
    }
    const { sha256 } = of.facts;
    if (this.#mark?.sha256 !== sha256) this.#mark = { sha256, serial, changedAtMs: nowMs };
    return { of, mark: this.#mark, texts: new Map() };
  }
}
