// Lists on the control socket: what is in force, what is held, and the decisions about it.
import { z } from 'zod';
import { coverage, feedStatus } from './list-feeds.ts';
import { type Actor, gives, listOf, namesOf, operationsOn, ROLES } from './operation.ts';
import { type ChangeTried, changeTried, TRIED_READERS, triedDays } from './tried.ts';

/** Characters of why, as the store keeps them. */
/** Characters of a search, rules of a page, and rules of the largest lists. */
const SEARCH_LENGTH_MAX = 255;
const RULES_PAGE = 100;
const RULES_PAGE_MAX = 500;
const RULES_MAX = 20_000_000;
const TEXT_LENGTH_MAX = 500;

const content = z
  .object({ sha256: z.string(), entries: z.number(), since: z.string() })
  .meta({ id: 'ListContent' });
const listStatus = z
  .object({
    id: z.string(),
    kind: z.enum(['shipped', 'file', 'directory', 'url']),
    /** Name, path, or address without what may be secret in it. */
    source: z.string(),
    /** Null when only the list itself can tell and it was not read. */
    mandate: z.boolean().nullable(),
    /** Null: not, or no program was asked. */
    inForce: z
      .object({
        sha256: z.string(),
        /** Rules that refuse; of an allowlist, all. */
        entries: z.number(),
        /** Rules that let names pass. */
        exceptions: z.number(),
        /** Rules that its own exceptions end, beside `entries`; `names` are the first 20. */
        opened: z.object({ count: z.number(), names: listOf(z.string()) }),
        /** Rules about names that no list may refuse: these stay open. */
        guarded: z.number(),
        rejected: z.number(),
        /** Rejections by reason. */
        reasons: z.record(z.string(), z.number()),
        /** What is to be said of the list as a whole. */
        notes: listOf(z.string()),
        /** When its entries were reviewed; null where the list does not tell. */
        reviewed: z.object({ oldest: z.string(), newest: z.string() }).nullable(),
      })
      .nullable(),
    /** Of a list that is fetched. */
    kept: z
      .object({
        current: content.nullable(),
        previous: listOf(content),
        checkedAt: z.string().nullable(),
        nextFetchAt: z.string().nullable(),
        failures: z.number(),
        lastFailure: z.string().nullable(),
        isStale: z.boolean(),
        refreshSec: z.number(),
      })
      .nullable(),
    /** Waits for a person. */
    held: content.extend({ reasons: listOf(z.string()) }).nullable(),
  })
  .meta({ id: 'ListStatus' });
const storeDecision = z.object({
  sequence: z.number(),
  time: z.string(),
  action: z.enum(['fetched', 'unchanged', 'accepted', 'held', 'rejected', 'rolled-back']),
  sha256: z.string().nullable(),
  entries: z.number().nullable(),
  reason: z.string(),
  by: z.string(),
});
const side = z.object({ sha256: z.string(), entries: z.number() });
const change = z.object({ count: z.number(), rules: listOf(z.string()) });
const difference = z
  .object({
    list: z.string(),
    /** In force; null when nothing is. */
    from: side.nullable(),
    to: side,
    /** `to` is the held content, and not an earlier one. */
    isHeld: z.boolean(),
    /** `rules` are the first 100. */
    added: change,
    removed: change,
    /** What its new exceptions open, and what of mandate lists they name that stays refused; `names` are the first 100. */
    openings: listOf(
      z.object({ list: z.string(), isOpened: z.boolean(), count: z.number(), names: listOf(z.string()) }),
    ),
  })
  .meta({ id: 'ListDifference' });
const listAsked = z
  .object({
    list: z.string(),
    /** Counted from here on: thirty days ago, or as far as the records go back. */
    since: z.string(),
    /** False: records are missing, or there are too many to count; all numbers are "at least". */
    isWhole: z.boolean(),
    /** Queries whose records have no name. */
    unnamed: z.number(),
    /** How many rules that would go were asked for. */
    count: z.number(),
    /** The first 100 of them, the most asked first: queries that this list refused, for the name and all below it. */
    rules: listOf(z.object({ rule: z.string(), queries: z.number() })),
  })
  .meta({ id: 'ListAsked' });
const askedRules = listAsked
  .omit({ count: true, rules: true })
  .extend({
    /**
     * For each rule of the page of listRules with the same search, skip and limit: queries that this list refused in thirty days, for its
     * name and all below it; null: the rule is for no name.
     */
    queries: listOf(z.number().nullable()),
  })
  .meta({ id: 'ListRulesAsked' });
const candidate = z.object({
  name: z.string(),
  count: z.number(),
  firstSeen: z.string(),
  lastSeen: z.string(),
  list: z.string(),
  line: z.number(),
  trigger: z.string(),
});
const inForceNow = z
  .object({
    list: z.string(),
    generation: z.number(),
    sha256: z.string().nullable(),
    entries: z.number().nullable(),
  })
  .meta({ id: 'ListOutcome' });
const refreshed = z.object({
  list: z.string(),
  outcome: z.enum(['accepted', 'unchanged', 'held', 'unproven', 'postponed', 'failed']),
  reasons: listOf(z.string()),
  sha256: z.string().nullable(),
  entries: z.number().nullable(),
});

const shownRules = z
  .object({
    /** A page of those that are wanted. */
    rules: listOf(
      z.object({
        /** Among those of a directory; null: the list is one file. */
        file: z.string().nullable(),
        /** Of the file, from 1. */
        line: z.number(),
        /** The name or prefix of an entry with evidence; the line of any other. */
        text: z.string(),
        service: z.string().nullable(),
        owner: z.string().nullable(),
        evidence: z.string().nullable(),
        reviewed: z.string().nullable(),
      }),
    ),
    /** Of all that are wanted. */
    count: z.number(),
  })
  .meta({ id: 'ListRules' });
const count = (most: number, byDefault: number) =>
  z
    .string()
    .regex(/^\d{1,8}$/)
    .transform(Number)
    .pipe(z.int().min(0).max(most))
    .optional()
    .transform((number) => number ?? byDefault);
const rulesWanted = z.strictObject({
  search: z
    .string()
    .max(SEARCH_LENGTH_MAX)
    .optional()
    .transform((text) => text ?? ''),
  skip: count(RULES_MAX, 0),
  limit: count(RULES_PAGE_MAX, RULES_PAGE),
});

/** A page of the rules of a list. */
export type ListRules = Readonly<z.output<typeof shownRules>>;

/** Which of the rules that another content would take away were asked for. */
export type ListAsked = Readonly<z.output<typeof listAsked>>;
/** How often the rules of a page were asked for. */
export type ListRulesAsked = Readonly<z.output<typeof askedRules>>;
/** What is in force after a decision. */
export type ListOutcome = Readonly<z.output<typeof inForceNow>>;

const wholeHash = z.string().regex(/^[0-9a-f]{64}$/);
const decision = z.strictObject({
  sha256: wholeHash,
  reason: z.string().max(TEXT_LENGTH_MAX).default(''),
});

/** Who decides, and why. */
export interface ListAuthor {
  readonly by: string;
  readonly reason: string;
}

/**
 * The lists of the program, as it implements them. All reject with an AppError: ERR_LIST_UNKNOWN for an id that it
 * does not have, ERR_LIST_ABSENT for a content that is not there to be decided on. Results are plain data.
 */
export interface ListControl {
  candidates(): Promise<readonly z.output<typeof candidate>[]>;
  statuses(): Promise<readonly z.output<typeof listStatus>[]>;
  status(id: string): Promise<z.output<typeof listStatus>>;
  /** What the shipped lists answered to public lists when that was last measured. */
  coverage(): Promise<z.output<typeof coverage>>;
  /** Signed feeds of the configuration. */
  feeds(): Promise<readonly z.output<typeof feedStatus>[]>;
  /** Rejects with ERR_LIST_ABSENT when there is nothing to compare with. */
  difference(id: string, sha256: string | undefined): Promise<z.output<typeof difference>>;
  /** Of the same difference; rejects as well where no records can be read. */
  asked(id: string, sha256: string | undefined): Promise<ListAsked>;
  /** Throws ERR_LIST_UNKNOWN, ERR_LIST_ABSENT when the list is not in force, and ERR_LIST_CHANGED. */
  rules(id: string, wanted: Readonly<z.output<typeof rulesWanted>>): ListRules;
  /** The same page; rejects as countAskedNames() does as well. */
  rulesAsked(id: string, wanted: Readonly<z.output<typeof rulesWanted>>): Promise<ListRulesAsked>;
  history(id: string): Promise<readonly z.output<typeof storeDecision>[]>;
  /** What another content would have made different for the query log. */
  tried(id: string, sha256: string, actor: Actor): Promise<ChangeTried>;
  /** Tries it on the last days. Rejects with ERR_LIST_ABSENT when it is not kept. */
  try(id: string, sha256: string, days: number, actor: Actor): Promise<ChangeTried>;
  accept(id: string, sha256: string, author: ListAuthor): Promise<ListOutcome>;
  dismiss(id: string, sha256: string, author: ListAuthor): Promise<ListOutcome>;
  rollback(id: string, sha256: string, author: ListAuthor): Promise<ListOutcome>;
  refresh(id: string): Promise<z.output<typeof refreshed>>;
}

const onLists = operationsOn<ListControl>('lists');
const one = z.object({ list: z.string().regex(/^[a-z0-9_-]{1,64}$/) });
const toDecide = {
  parameters: one,
  body: decision,
  form: '{ "sha256": 64 digits, "reason": text }',
  result: inForceNow,
} as const;
/** The held content, or the one that a SHA-256 begins with. */
const toCompare = {
  query: z.strictObject({
    sha256: z
      .string()
      .regex(/^[0-9a-f]{8,64}$/)
      .optional(),
  }),
  form: 'sha256=at least 8 digits',
  failureStatus: 409,
} as const;

/** Lists, their history, and the decisions about them. */
export const LIST_OPERATIONS = {
  listCandidates: onLists({
    method: 'GET',
    path: '/v1/candidates',
    summary: 'Names that a mandate list may be missing',
    roles: ROLES,
    result: listOf(candidate),
    handle: async (lists) => gives(await lists.candidates()),
  }),
  listLists: onLists({
    method: 'GET',
    path: '/v1/lists',
    summary: 'All lists: in force, kept, held',
    roles: ROLES,
    result: listOf(listStatus),
    handle: async (lists) => gives(await lists.statuses()),
  }),
  listFeeds: onLists({
    method: 'GET',
    path: '/v1/feeds',
    summary: 'Signed feeds that lists come from',
    roles: ROLES,
    result: listOf(feedStatus),
    handle: async (lists) => gives(await lists.feeds()),
  }),
  readCoverage: onLists({
    method: 'GET',
    path: '/v1/coverage',
    summary: 'What the shipped lists answer to public lists of names, as it was last measured',
    roles: ROLES,
    result: coverage,
    handle: async (lists) => gives(await lists.coverage()),
  }),
  readList: onLists({
    method: 'GET',
    path: '/v1/lists/{list}',
    summary: 'One list',
    roles: ROLES,
    parameters: one,
    result: listStatus,
    handle: async (lists, { parameters }) => gives(await lists.status(parameters.list)),
  }),
  readListHistory: onLists({
    method: 'GET',
    path: '/v1/lists/{list}/history',
    summary: 'The decisions about a list, the latest last',
    roles: ROLES,
    parameters: one,
    result: listOf(storeDecision),
    handle: async (lists, { parameters }) => gives(await lists.history(parameters.list)),
  }),
  listRules: onLists({
    method: 'GET',
    path: '/v1/lists/{list}/rules',
    summary: 'What stands in a list that is in force, with its evidence',
    roles: ROLES,
    parameters: one,
    query: rulesWanted,
    form: `search=PART, skip=0 to ${RULES_MAX}, limit=1 to ${RULES_PAGE_MAX}`,
    failureStatus: 409,
    result: shownRules,
    handle: (lists, { parameters, query }) => Promise.resolve(gives(lists.rules(parameters.list, query))),
  }),
  readListRulesAsked: onLists({
    method: 'GET',
    path: '/v1/lists/{list}/rules/asked',
    summary: 'How often each rule of a page of a list was asked for in 30 days',
    roles: ['help-desk', 'operator', 'approver', 'auditor'],
    parameters: one,
    query: rulesWanted,
    form: `search=PART, skip=0 to ${RULES_MAX}, limit=1 to ${RULES_PAGE_MAX}`,
    failureStatus: 409,
    result: askedRules,
    handle: async (lists, { parameters, query }) => gives(await lists.rulesAsked(parameters.list, query)),
  }),
  readListDifference: onLists({
    method: 'GET',
    path: '/v1/lists/{list}/diff',
    summary:
      'What another content of a list would change: the held one, or the one that a SHA-256 begins with',
    roles: ROLES,
    parameters: one,
    ...toCompare,
    result: difference,
    handle: async (lists, { parameters, query }) =>
      gives(await lists.difference(parameters.list, query.sha256)),
  }),
  readListAsked: onLists({
    method: 'GET',
    path: '/v1/lists/{list}/asked',
    summary: 'Which of the names that another content of a list would let pass were asked for in 30 days',
    roles: ['help-desk', 'operator', 'approver', 'auditor'],
    parameters: one,
    ...toCompare,
    result: listAsked,
    handle: async (lists, { parameters, query }) => gives(await lists.asked(parameters.list, query.sha256)),
  }),
  readListTried: onLists({
    method: 'GET',
    path: '/v1/lists/{list}/tried',
    summary: 'What another content of a list would have made different for the query log; recorded first',
    roles: TRIED_READERS,
    parameters: one,
    query: z.strictObject({ sha256: wholeHash }),
    form: 'sha256=64 digits',
    failureStatus: 409,
    result: changeTried,
    handle: async (lists, { parameters, query }, actor) =>
      gives(await lists.tried(parameters.list, query.sha256, actor)),
  }),
  tryList: onLists({
    method: 'POST',
    path: '/v1/lists/{list}/tried',
    summary:
      'Tries another content of a list on the last days of the query log, in a thread of its own; recorded first',
    roles: ['operator', 'approver'],
    parameters: one,
    body: z.strictObject({ sha256: wholeHash, days: triedDays }),
    form: '{ "sha256": 64 digits, "days": how many }',
    failureStatus: 409,
    result: changeTried,
    handle: async (lists, { parameters, body: { sha256, days } }, actor) =>
      gives(await lists.try(parameters.list, sha256, days, actor)),
  }),
  acceptList: onLists({
    method: 'POST',
    path: '/v1/lists/{list}/accept',
    summary: 'Puts the held content in force',
    roles: ['operator'],
    ...toDecide,
    handle: async (lists, { parameters: { list }, body: { sha256, reason } }, actor) =>
      gives(await lists.accept(list, sha256, { by: namesOf(actor), reason })),
  }),
  dismissList: onLists({
    method: 'POST',
    path: '/v1/lists/{list}/dismiss',
    summary: 'Turns the held content away',
    roles: ['operator', 'approver'],
    ...toDecide,
    handle: async (lists, { parameters: { list }, body: { sha256, reason } }, actor) =>
      gives(await lists.dismiss(list, sha256, { by: namesOf(actor), reason })),
  }),
  rollBackList: onLists({
    method: 'POST',
    path: '/v1/lists/{list}/rollback',
    summary: 'Puts an earlier content in force',
    roles: ['operator'],
    ...toDecide,
    handle: async (lists, { parameters: { list }, body: { sha256, reason } }, actor) =>
      gives(await lists.rollback(list, sha256, { by: namesOf(actor), reason })),
  }),
  refreshList: onLists({
    method: 'POST',
    path: '/v1/lists/{list}/refresh',
    summary: 'Fetches a list now',
    roles: ['operator', 'auditor'],
    parameters: one,
    result: refreshed,
    handle: async (lists, { parameters }) => gives(await lists.refresh(parameters.list)),
  }),
};
