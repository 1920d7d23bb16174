// The secret of an authenticator app: as a QR code for another device, as a key to type, and as a link for this device.
//
// It is drawn here and asked of nobody: a picture from elsewhere would know the secret. The code is loaded when it is shown.
import type { VNode } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { useText } from '../parts/say.tsx';

/** As the server gives it. */
export interface Totp {
  readonly secret: string;
  readonly uri: string;
}

/** Modules around the code that stay empty (ISO/IEC 18004). */
const QUIET = 4;

interface Code {
  readonly path: string;
  readonly size: number;
}

const codeOf = async (text: string): Promise<Code> => {
  const { encode } = await import('uqr');
  const { data, size } = encode(text, { ecc: 'M', border: QUIET });
  const path = data
    .flatMap((row, y) => row.flatMap((isDark, x) => (isDark ? [`M${x} ${y}h1v1h-1z`] : [])))
    .join('');
  return { path, size };
};

const Qr = ({ text }: { readonly text: string }): VNode | null => {
  const { say } = useText();
  const [code, setCode] = useState<Code | undefined>(undefined);
  useEffect(() => {
    // Without it the key below is enough.
    codeOf(text).then(setCode, () => setCode(undefined));
  }, [text]);
  if (code === undefined) return null;
  return (
    <svg class="qr" viewBox={`0 0 ${code.size} ${code.size}`} role="img" aria-label={say('totpScan')}>
      <path d={code.path} />
    </svg>
  );
};

/** Groups of four are easier to write down. */
const inFours = (secret: string): string => secret.replace(/(.{4})(?=.)/g, '$1 ');

export const AppSecret = ({ totp }: { readonly totp: Totp }): VNode => {
  const { say } = useText();
  return (
    <>
      <p>{say('totpHow')}</p>
      <Qr text={totp.uri} />
      <p class="quote">
        <code>{inFours(totp.secret)}</code>
      </p>
      <p>
        <a href={totp.uri}>{say('totpOpen')}</a>
      </p>
    </>
  );
};
