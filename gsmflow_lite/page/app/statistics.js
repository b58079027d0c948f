// Small statistics of lists of numbers.

export function meanOf(values) {
  let sum = 0;
  for (const value of values) sum += value;
  return sum / values.length;
}

// Half of the width of a 95 % interval: 1.96 standard deviations over repeats.
export function halfWidth(values) {
  const mean = meanOf(values);
  let squares = 0;
  for (const value of values) squares += (value - mean) ** 2;
  return 1.96 * Math.sqrt(squares / (values.length - 1));
}

// As NumPy has it: between two values it is in proportion.
export function quantileOf(values, share) {
  const sorted = Float64Array.from(values).sort();
  const place = share * (sorted.length - 1);
  const below = Math.floor(place);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below] + (place - below) * (sorted[above] - sorted[below]);
}

// Ranks from 1 on; equal values share their mean rank.
export function ranksOf(values) {
  const order = Array.from(values, (_, i) => i).sort((i, j) => values[i] - values[j]);
  const ranks = new Float64Array(values.length);
  for (let first = 0; first < order.length; ) {
    let end = first + 1;
    while (end < order.length && values[order[end]] === values[order[first]]) end++;
    for (let place = first; place < end; place++) ranks[order[place]] = (first + end + 1) / 2;
    first = end;
  }
  return ranks;
}

// Pearson's correlation; 0 where one of the two is constant. Of ranks it is Spearman's.
export function correlationOf(a, b) {
  const meanA = meanOf(a);
  const meanB = meanOf(b);
  let [products, squaresA, squaresB] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    products += (a[i] - meanA) * (b[i] - meanB);
    squaresA += (a[i] - meanA) ** 2;
    squaresB += (b[i] - meanB) ** 2;
  }
  const norm = Math.sqrt(squaresA * squaresB);
  return norm > 0 ? products / norm : 0;
}
