// Puts a text into the clipboard, and says whether it did: what is shown once is gone for who only believes that they have it.
import type { VNode } from 'preact';
import { toast } from './room.ts';
import { useText } from './say.tsx';

export const CopyButton = ({ text }: { readonly text: string }): VNode => {
  const { say } = useText();
  const copy = async (): Promise<void> => {
    try {
      // Absent where the page came over plain HTTP, and refused where the browser is told so.
      await navigator.clipboard.writeText(text);
      toast.set({ text: say('copied'), isBad: false });
    } catch {
      toast.set({ text: say('copiedNot'), isBad: true });
    }
  };
  return (
    <button type="button" onClick={() => void copy()}>
      {say('copy')}
    </button>
  );
};
