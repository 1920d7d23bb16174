// @module-tag deploy
// The OCI image: its layout as the specification says, and its root run read-only without any right, on port 53.
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { z } from 'zod';
import { requireProgram, run } from '../support/process.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const work = mkdtempSync(join(tmpdir(), 'cordon-image-'));
afterAll(() => rmSync(work, { recursive: true, force: true }));

const BUILD_MS = 300_000;

const blob = z.object({ mediaType: z.string(), digest: z.string(), size: z.number() });
const indexSchema = z.object({ schemaVersion: z.literal(2), manifests: z.tuple([blob]) });
const manifestSchema = z.object({ schemaVersion: z.literal(2), config: blob, layers: z.array(blob) });
const configSchema = z.object({
  architecture: z.literal('amd64'),
  config: z.object({
    User: z.string(),
    Entrypoint: z.array(z.string()),
    Cmd: z.array(z.string()),
    Healthcheck: z.object({ Test: z.tuple([z.literal('CMD'), z.string(), z.literal('--eval'), z.string()]) }),
  }),
  rootfs: z.object({ diff_ids: z.array(z.string()) }),
});

test(
  'the image is an OCI layout, and its root answers read-only and without rights',
  async (context) => {
    for (const program of ['strip', 'dpkg-query', 'unshare', 'dig']) requireProgram(context, program);
    const built = await run(process.execPath, [join(root, 'deploy/package/image.ts'), '--out', work], {
      timeoutMs: BUILD_MS,
    });
    expect(built).toMatchObject({ code: 0 });
    const [digest = '', archive = ''] = built.stdout.trim().split('\n');
    const layout = join(work, 'layout');
    mkdirSync(layout);
    expect(await run('tar', ['--extract', '--file', archive, '--directory', layout])).toMatchObject({
      code: 0,
    });

    const read = ({ digest, size }: z.infer<typeof blob>): Buffer => {
      const bytes = readFileSync(join(layout, 'blobs', digest.replace(':', '/')));
      expect(`sha256:${createHash('sha256').update(bytes).digest('hex')}`).toBe(digest);
      expect(bytes.length).toBe(size);
      return bytes;
    };
    const index = indexSchema.parse(JSON.parse(readFileSync(join(layout, 'index.json'), 'utf8')));
    expect(index.manifests[0].digest).toBe(digest);
    const manifest = manifestSchema.parse(JSON.parse(read(index.manifests[0]).toString()));
    const { config, rootfs } = configSchema.parse(JSON.parse(read(manifest.config).toString()));
    expect(rootfs.diff_ids).toHaveLength(manifest.layers.length);
    expect(config.User).toMatch(/^[1-9]\d*:[1-9]\d*$/);

    if (process.getuid?.() !== 0) return context.skip('needs root to run it');
    const unpacked = join(work, 'root');
    mkdirSync(unpacked);
    for (const layer of manifest.layers) {
      read(layer);
      const file = join(layout, 'blobs', layer.digest.replace(':', '/'));
      const args = ['--extract', '--gzip', '--same-owner', '--file', file, '--directory', unpacked];
      expect(await run('tar', args)).toMatchObject({ code: 0 });
    }
    const command = [...config.Entrypoint, ...config.Cmd];
    const script = join(root, 'test/support/run-image.sh');
    const ran = await run(script, [unpacked, config.User, config.Healthcheck.Test[3], ...command], {
      timeoutMs: BUILD_MS,
      // The image has no library for another clock.
      env: { LD_PRELOAD: '' },
    });
    expect({ ...ran, stdout: ran.stdout.trim().split('\n') }).toMatchObject({
      code: 0,
      stderr: '',
      stdout: [
        'answers NOERROR NXDOMAIN',
        'batched 1',
        'user 953, capabilities 0000000000000000',
        'healthy',
        'read-only',
        'stopped with status 0',
      ],
    });
  },
  BUILD_MS,
);
