// Another configuration took effect while somebody wrote.
import type { VNode } from 'preact';
import { useText } from '../parts/say.tsx';

export const MovedNote = ({ onBegin }: { readonly onBegin: () => void }): VNode => {
  const { say } = useText();
  return (
    <div class="note row">
      <span>{say('configMoved')}</span>
      <button type="button" onClick={onBegin}>
        {say('configBegin')}
      </button>
    </div>
  );
};
