// The places of the control room, a row each, in the order of the navigation. A page that is added has its row here, its texts in
// text/pages.yaml, and its path in main.tsx.
import type { Key } from '../text/text.ts';

export interface Place {
  readonly to: string;
  /** After `g`. */
  readonly key: string;
  readonly name: Key & `place${string}`;
  /** Lines in a box of 16. */
  readonly icon: string;
  /** Behind "More" on phones. */
  readonly isLater: boolean;
  /** The operation that a person, and a program, has to have; absent: everybody sees the place. */
  readonly if?: string;
  /** Kinds of what needs a person that are counted here. */
  readonly needs: readonly string[];
}

export const PLACES: readonly Place[] = [
  {
    to: '/',
    key: 'o',
    name: 'placeOverview',
    icon: 'M2.2 2.2h4.6v6.2H2.2zm7 0h4.6v3.4H9.2zm0 5.8h4.6v5.8H9.2zm-7 2.8h4.6v3H2.2z',
    isLater: false,
    needs: [],
  },
  {
    to: '/look-up',
    key: 'k',
    name: 'placeLookUp',
    icon: 'M7 12a5 5 0 100-10 5 5 0 000 10zm3.7-1.3L14.2 14.2',
    isLater: false,
    if: 'explain',
    needs: [],
  },
  {
    to: '/exemptions',
    key: 'e',
    name: 'placeExemptions',
    icon: 'M3.2 1.8h6.6l3 3v9.4H3.2zm2.4 7.3l1.7 1.7 3.1-3.5',
    isLater: false,
    needs: ['exemption-waiting'],
  },
  {
    to: '/lists',
    key: 'l',
    name: 'placeLists',
    icon: 'M5.6 3.6H14M5.6 8H14M5.6 12.4H14M2 3.6h.6M2 8h.6M2 12.4h.6',
    isLater: false,
    needs: ['list-held'],
  },
  {
    to: '/refusals',
    key: 'n',
    name: 'placeRefusals',
    icon: 'M2 14h12M3.4 11.4V8.2m3.1 3.2V4.4m3.1 7V6.6m3.1 4.8V2.4',
    isLater: true,
    if: 'readRefusalFigures',
    needs: [],
  },
  {
    to: '/queries',
    key: 'q',
    name: 'placeQueries',
    icon: 'M2 3.4h12M2 6.8h7M2 10.2h4.4M9.9 13a2.6 2.6 0 100-5.2 2.6 2.6 0 000 5.2zm1.9-.7l2.2 2.2',
    isLater: true,
    if: 'readQueryLog',
    needs: [],
  },
  {
    to: '/proof',
    key: 'p',
    name: 'placeProof',
    icon: 'M8 1.6l5.4 2v4.1c0 3.2-2.2 5.6-5.4 6.7-3.2-1.1-5.4-3.5-5.4-6.7V3.6zM5.6 8l1.8 1.8L10.6 6',
    isLater: true,
    needs: ['records-not-whole'],
  },
  {
    to: '/health',
    key: 'h',
    name: 'placeHealth',
    icon: 'M1.6 8.4h2.8l1.8-5 3.4 9 1.9-4h2.9',
    isLater: true,
    needs: [],
  },
  {
    to: '/reports',
    key: 'r',
    name: 'placeReports',
    icon: 'M3.2 1.8h6.6l3 3v9.4H3.2zM5.6 8h4.8m-4.8 2.8h4.8M5.6 5.2h2',
    isLater: true,
    needs: [],
  },
  {
    to: '/resolvers',
    key: 'f',
    name: 'placeResolvers',
    icon: 'M8 2.2v3.4M8 5.6H3.4v3.2M8 5.6h4.6v3.2M6.2 2.2h3.6M2 8.8h2.8v3.6H2zm4.6 0h2.8v3.6H6.6zM8 5.6v3.2m3.2 0H14v3.6h-2.8z',
    isLater: true,
    if: 'readFleet',
    needs: ['resolver-unheard', 'resolver-trouble'],
  },
  {
    to: '/settings',
    key: 's',
    name: 'placeSettings',
    icon: 'M2 4.6h7m3.2 0H14M2 11.4h1.8m3.4 0H14M10.6 6.3a1.7 1.7 0 100-3.4 1.7 1.7 0 000 3.4zM5.5 13.1a1.7 1.7 0 100-3.4 1.7 1.7 0 000 3.4z',
    isLater: true,
    needs: [],
  },
];

/** A place about a part that the program does not have, or that a person may not see, is not there. */
export const placesOf = (may: readonly string[] | undefined): readonly Place[] =>
  PLACES.filter((entry) => entry.if === undefined || may?.includes(entry.if) === true);
