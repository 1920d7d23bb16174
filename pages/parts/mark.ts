// The shapes that stand for states.

export type Mark = 'ok' | 'bad' | 'paused' | 'warn' | 'held' | 'none' | 'refused';
