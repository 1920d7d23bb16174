// What a package or an image contains, as CycloneDX 1.6: names, versions, licenses and checksums of the lock file.
import { createHash } from 'node:crypto';
import { type Component, type Extent, readComponents } from './tree.ts';

/** A component that is not of the lock file: a package of Debian in the image. */
export interface SystemPackage {
  readonly name: string;
  readonly version: string;
}

const describe = ({ name, version, license, integrity }: Component) => {
  const [algorithm, digest = ''] = integrity?.split('-') ?? [];
  const hash = { alg: 'SHA-512', content: Buffer.from(digest, 'base64').toString('hex') };
  return {
    type: 'library',
    'bom-ref': `pkg:npm/${name.replace('@', '%40')}@${version}`,
    name,
    version,
    purl: `pkg:npm/${name.replace('@', '%40')}@${version}`,
    ...(algorithm === 'sha512' ? { hashes: [hash] } : {}),
    ...(license === undefined ? {} : { licenses: [{ license: { name: license } }] }),
  };
};

/** The document; the same bytes for the same content and time. */
export const formatSbom = (
  name: string,
  version: string,
  epoch: number,
  system: readonly SystemPackage[] = [],
  extent: Extent = 'whole',
): string => {
  const components = [
    ...readComponents(extent).map(describe),
    ...system.map((part) => ({
      type: 'library',
      'bom-ref': `pkg:deb/debian/${part.name}@${part.version}`,
      name: part.name,
      version: part.version,
      purl: `pkg:deb/debian/${part.name}@${part.version}`,
    })),
  ];
  // A name of the content itself (RFC 9562 section 5.8) in place of a random one.
  const digest = createHash('sha256')
    .update(JSON.stringify([name, version, components]))
    .digest('hex');
  const uuid = `${digest.slice(0, 8)}-${digest.slice(8, 12)}-8${digest.slice(13, 16)}-8${digest.slice(17, 20)}-${digest.slice(20, 32)}`;
  const document = {
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    serialNumber: `urn:uuid:${uuid}`,
    version: 1,
    metadata: {
      timestamp: new Date(epoch * 1000).toISOString(),
      component: { type: 'application', name, version, licenses: [{ license: { id: 'Apache-2.0' } }] },
    },
    components,
  };
  return `${JSON.stringify(document, undefined, 2)}\n`;
};
