// Figures over time, in English: refusals, and how the service was.

export const figuresEn = {
  placeRefusals: 'Refusals',
  readAnew: 'Read again',
  range1: '24 hours',
  range7: '7 days',
  range30: '30 days',
  range91: 'a quarter',
  figuresBy: 'Shown by',
  groupedList: 'list',
  groupedNetwork: 'network',
  groupedMandate: 'mandate',
  figuresCount: '{count} {count:refusal|refusals}',
  figuresUntil: '{from} to {to}',
  figuresTitle: '{count} refusals from {from} to {to}; the table below has the numbers.',
  figuresNone: 'Nothing was refused in this time.',
  figuresRest: 'all others',
  figuresUnnamed:
    '{count} of them are counted without their name, because records have bounds: counts of names are at least these.',
  figuresMarks: 'Marked on it: changes and gaps',
  figuresMarksNone: 'Nothing changed, and it was in force all the time.',
  topNames: 'Names asked for most',
  topTypes: 'Types',
  topClients: 'Devices, by their reference of the day',
} as const;
