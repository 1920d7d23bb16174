// Says that figures are still counted, and asks for them again until they are whole.
import type { VNode } from 'preact';
import { useEffect } from 'preact/hooks';
import type { RefusalFigures } from '../api/shapes.ts';
import { useText } from './say.tsx';

/** Between two looks, milliseconds. */
const AGAIN_MS = 1_000;

export const Counting = ({
  figures,
  reload,
}: {
  readonly figures: RefusalFigures;
  readonly reload: () => void;
}): VNode | null => {
  const { say } = useText();
  useEffect(() => {
    if (figures.counting === null) return;
    const timer = setTimeout(reload, AGAIN_MS);
    return () => clearTimeout(timer);
  }, [figures, reload]);
  if (figures.counting === null) return null;
  return (
    <p role="status" class="small soft">
      {say('figuresCounting', { counted: figures.counting.counted, of: figures.counting.of })}
    </p>
  );
};
