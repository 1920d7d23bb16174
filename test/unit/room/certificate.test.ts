// The certificate of a room, whose path may lead nowhere for a while: the room stays open with the one before.
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { CertificateAuthority } from '../../support/certificates.ts';
import { openTestRoom } from './setup.ts';

const LOOK_MS = 10_000;

test('a certificate that cannot be examined is told once, and the one before stays', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  onTestFinished(() => void vi.useRealTimers());
  const directory = mkdtempSync(join(tmpdir(), 'cordon-room-certificate-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const [certPath, keyPath] = [join(directory, 'cert.pem'), join(directory, 'key.pem')];
  const authority = CertificateAuthority.create();
  const issue = (endsInDays: number): void => {
    const { certificate, key } = authority.issue({ names: ['DNS:room.example'], endsInDays });
    for (const path of [certPath, keyPath]) rmSync(path, { force: true });
    writeFileSync(certPath, certificate);
    writeFileSync(keyPath, key, { mode: 0o600 });
  };
  issue(2);
  const { room, logged, close } = await openTestRoom({ tls: { certPath, keyPath } });
  onTestFinished(close);
  const endMs = room.certificateEndMs;
  // What renews it has made a link that leads to itself; a folder that is closed is the same.
  rmSync(certPath);
  symlinkSync('cert.pem', certPath);
  vi.advanceTimersByTime(3 * LOOK_MS);
  const told = logged.filter(({ text }) =>
    text.includes('the certificate of the control room is not renewed'),
  );
  expect(told).toHaveLength(1);
  expect(room.certificateEndMs).toBe(endMs);
  issue(40);
  vi.advanceTimersByTime(LOOK_MS);
  expect(room.certificateEndMs).toBeGreaterThan(endMs ?? 0);
});
