import { nameOf, rounded } from './format.mjs';
import { outcome, ratios, spread } from './statistics.mjs';

/** A row as it is printed: each contender's median, what ours is of it, and the targets. */
export function rowLines({ store, title, unit, contenders, targets, figures }) {
  const [ours, ...others] = contenders;
  const figureOf = (contender) => `${rounded(spread(figures[contender]).median)} ${unit}`;
  const line = (contender, comparison) =>
    `    ${nameOf(contender).padEnd(30)}${figureOf(contender).padStart(18)}${comparison}`;
  return [
    `${store}: ${title}`,
    line(ours, `   (${range(spread(figures[ours]), '')})`),
    ...others.map((other) => line(other, `   ours is ${times(ratios(figures[ours], figures[other]))} of it`)),
    ...targets.map((target) => `    ${targetLine(target, figures, ours, unit)}`),
  ];
}

export function targetLine(target, figures, ours, unit) {
  const { against, atLeast, atMost } = target;
  const { got, isMet } = outcome(target, figures, ours);
  const bound = atLeast === undefined ? `≤ ${rounded(atMost)}` : `≥ ${rounded(atLeast)}`;
  const of = against === undefined ? ` ${unit}` : ` × ${nameOf(against)}`;
  return `${isMet ? 'met:   ' : 'MISSED:'} target ${bound}${of}, got ${times(got)}`;
}

/** The targets of all rows, at the end of a run. */
export function summaryLines(rows) {
  const lines = rows.flatMap(({ store, title, unit, contenders, targets, figures }) =>
    targets.map((target) => `${store}: ${title}\n    ${targetLine(target, figures, contenders[0], unit)}`),
  );
  return lines.length === 0 ? [] : ['Targets, by the medians of the rounds (least and most):', ...lines];
}

function times(values) {
  return `${rounded(values.median)} (${range(values)})`;
}

function range({ min, max }) {
  return `${rounded(min)}–${rounded(max)}`;
}
