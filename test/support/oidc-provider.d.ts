// What tests use of oidc-provider, which comes without types.
declare module 'oidc-provider' {
  import type { RequestListener } from 'node:http';

  /** An identity provider; the settings are those of its documentation. */
  // biome-ignore lint/style/noDefaultExport: the package has one
  export default class Provider {
    constructor(issuer: string, settings: object);
    callback(): RequestListener;
  }
}
