// What one operation of the admin interface is: where it is reached, who may use it, what it takes and gives.
//
// Schemas stand beside what handles them: a handler is given what was checked, and gives what clients are promised.
// Routes, the command's client, docs/openapi.yaml and the tests of roles all read the table of these (operations.ts).
import { z } from 'zod';
import type { Account } from '../../base/base.ts';
import type { Role } from '../../base/words/words.ts';

export { ROLES, type Role } from '../../base/words/words.ts';

/**
 * Where an operation is reached: the listener on TCP, where nothing changes any state; the control socket, and the
 * control room for people who are signed in; the control room alone; or the control socket alone.
 */
export type Door = 'listener' | 'socket' | 'room' | 'command';

/**
 * Who uses an operation, and whom records name. The control socket knows no roles: who can open it may do everything, and is
 * the user of the system that the kernel says. Who asks the listener on TCP is judged by the address.
 */
export interface Actor {
  /** As records show it. */
  readonly name: string;
  /** By what rules tell who it is. Undefined: nobody can tell. A machine's token acts as the account of its holder. */
  readonly account: Account | undefined;
  readonly roles: readonly Role[];
  /** An address, or the control socket. */
  readonly from: string;
  readonly via: Door;
  /** Who confirmed what this one asked for, where it took two. */
  readonly confirmedBy?: string;
}

/** Who did something, as records and histories tell it: both where it took two. Nothing compares people by it. */
export const namesOf = ({ name, confirmedBy }: Pick<Actor, 'name' | 'confirmedBy'>): string =>
  confirmedBy === undefined ? name : `${name}, confirmed by ${confirmedBy}`;

/** By what a client knows that it has a result already. */
export interface Validators {
  /** Without quotes. */
  readonly etag: string;
  readonly changedAtMs: number;
}

/** What came of an operation: what it promises, or why there is none. */
export type Outcome<Value> =
  | {
      readonly isRefused: false;
      readonly status: number;
      readonly value: Value;
      /** Of a result that is polled (RFC 9110 section 8.8). */
      readonly validators?: Validators;
    }
  | {
      readonly isRefused: true;
      readonly status: number;
      readonly detail: string;
      /** Further members of the problem document. */
      readonly more: object;
    };

/** A result. */
export const gives = <Value>(value: Value, status = 200, validators?: Validators): Outcome<Value> => ({
  isRefused: false,
  status,
  value,
  ...(validators && { validators }),
});

/** A refusal that is no failure of the program; `detail` is for people. */
export const refuses = (status: number, detail: string, more: object = {}): Outcome<never> => ({
  isRefused: true,
  status,
  detail,
  more,
});

/** What a request brings, as it is written or as it was checked. */
export interface Given<Parameters, Query, Body> {
  /** The parts of the path in braces. */
  readonly parameters: Parameters;
  readonly query: Query;
  readonly body: Body;
}

/** What is sent, as it is written: what an operation takes none of is left out. */
export type Sent<Parameters extends z.ZodObject, Query extends z.ZodType, Body extends z.ZodType> = Part<
  'parameters',
  z.input<Parameters>
> &
  Part<'query', z.input<Query>> &
  Part<'body', z.input<Body>>;

type Part<Name extends string, Value> =
  Record<never, never> extends Value
    ? Readonly<Partial<Record<Name, Value>>>
    : undefined extends Value
      ? Readonly<Partial<Record<Name, Value>>>
      : Readonly<Record<Name, Value>>;

/** The schema of what is not taken. */
export const NOTHING = z.object({});

/** One operation on a part of the program. */
export interface Operation<
  Control = object,
  Parameters extends z.ZodObject = z.ZodObject,
  Query extends z.ZodType = z.ZodType,
  Body extends z.ZodType = z.ZodType,
  Result extends z.ZodType = z.ZodType,
> {
  /** The part of the program: a member of Controls. */
  readonly subject: string;
  readonly door: Door;
  /** In the control room: for who is not signed in as well. */
  readonly isOpen?: boolean;
  /** In the control room: only for who has just proven again who it is. */
  readonly needsProof?: boolean;
  /** Bytes of a body, where it may have more than others. */
  readonly bodyBytesMax?: number;
  readonly method: 'GET' | 'POST';
  /** Such as `/v1/lists/{list}/accept`: each part in braces is a member of `parameters`, and matches what that takes. */
  readonly path: string;
  /** What it does, without a full stop. */
  readonly summary: string;
  /** Who may use it; empty on the listener. */
  readonly roles: readonly Role[];
  readonly parameters: Parameters;
  /** NOTHING: what stands behind the question mark is not read. */
  readonly query: Query;
  /** Undefined: no body is read. */
  readonly body: Body | undefined;
  /** What query or body have to be, for people. */
  readonly form: string;
  readonly result: Result;
  /** Media type of a result that is text; absent: the result is JSON. */
  mediaType?(control: Control): string;
  /** The result is bytes. */
  readonly isBinary?: boolean;
  /** Statuses beside 200 with which the result comes. */
  readonly otherStatuses?: readonly number[];
  /** HTTP status of an AppError whose code has none of its own. */
  readonly failureStatus: 409 | 500;
  /** Rejects with, or throws, an AppError, or as the program's defects do. */
  handle(
    control: Control,
    given: Given<z.output<Parameters>, z.output<Query>, z.output<Body>>,
    actor: Actor,
  ): Promise<Outcome<z.output<Result>>>;
}

/** What an operation may leave out. */
type Optional = 'subject' | 'door' | 'parameters' | 'query' | 'body' | 'form' | 'failureStatus';

/** Operations of one subject: what one of them leaves out is on the socket and takes nothing. */
export const operationsOn =
  <Control>(subject: string, common: { readonly door?: Door; readonly failureStatus?: 409 | 500 } = {}) =>
  <
    Result extends z.ZodType,
    Parameters extends z.ZodObject = typeof NOTHING,
    Query extends z.ZodType = typeof NOTHING,
    Body extends z.ZodType = z.ZodUndefined,
  >(
    stated: Omit<Operation<Control, Parameters, Query, Body, Result>, Optional> &
      Partial<Pick<Operation<Control, Parameters, Query, Body, Result>, Exclude<Optional, 'subject'>>>,
  ): Operation<Control, Parameters, Query, Body, Result> => ({
    subject,
    door: common.door ?? 'socket',
    // What is left out has the default of its type parameter, which is the type of NOTHING.
    parameters: NOTHING as unknown as Parameters,
    query: NOTHING as unknown as Query,
    body: undefined,
    form: 'as documented',
    failureStatus: common.failureStatus ?? 500,
    ...stated,
  });

/** A list of plain data. */
export const listOf = <Item extends z.ZodType>(item: Item): z.ZodReadonly<z.ZodArray<Item>> =>
  z.array(item).readonly();
