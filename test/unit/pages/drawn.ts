// Draws real components of the pages without a browser, as HTML.
import type { Language, Texts } from '../../../pages/text/text.ts';

/** What a component draws. */
type Drawn = object | null;
export type Component = (props: never) => Drawn;

/** Both have the types of browsers with them, which tests and the service shall not know. */
const load = (name: string): Promise<unknown> => import(name);
const { h } = (await load('preact')) as {
  readonly h: (component: Component, props: object, ...children: Drawn[]) => Drawn;
};
const { renderToString } = (await load('preact-render-to-string')) as {
  readonly renderToString: (drawn: Drawn) => string;
};

/** Components are TSX of the browser, which the types of tests do not know. */
export const from = async (path: string, name: string): Promise<Component> => {
  const found = (await import(new URL(`../../../pages/${path}.tsx`, import.meta.url).href)) as Record<
    string,
    Component
  >;
  const component = found[name];
  if (component === undefined) throw new TypeError(`${path} has no ${name}`);
  return component;
};

const { SpokenContext } = (await import(new URL('../../../pages/parts/say.tsx', import.meta.url).href)) as {
  readonly SpokenContext: { readonly Provider: Component };
};

/** HTML of a component in a language. */
export const drawIn = (
  spoken: { readonly language: Language; readonly texts: Texts },
  component: Component,
  props: object,
): string =>
  renderToString(
    h(SpokenContext.Provider as never, { value: spoken } as never, h(component as never, props)),
  );
