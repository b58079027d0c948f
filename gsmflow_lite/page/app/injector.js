// Adds shifts of a known dose to the samples of a class, as in shifts/injection.py.

// Changes `features` in place: all rows of one class, whose mean of samples is `mean`.
// `turning` is {centre, left (D, P), right (D, P)} or null, `step` (D) the move at dose 1 or null.
export function injectDoses(features, mean, { variance, semantic, structure }, turning, step) {
  const move = new Float64Array(mean.length);
  if (semantic && turning) addTurn(move, mean, semantic, turning);
  if (structure && step) for (let i = 0; i < move.length; i++) move[i] += structure * step[i];
  const width = mean.length;
  for (let i = 0; i < features.length; i++) {
    const centre = mean[i % width];
    features[i] += move[i % width] - (variance || 0) * (features[i] - centre);
  }
}

// The mean turns about the centre by one angle in all planes.
function addTurn(move, mean, dose, { centre, left, right }) {
  const width = mean.length;
  const planes = left.length / width;
  const [cosine, sine] = [Math.cos((dose * Math.PI) / 2), Math.sin((dose * Math.PI) / 2)];
  for (let plane = 0; plane < planes; plane++) {
    let [a, b] = [0, 0];
    for (let i = 0; i < width; i++) {
      a += (mean[i] - centre[i]) * left[i * planes + plane];
      b += (mean[i] - centre[i]) * right[i * planes + plane];
    }
    const changeA = a * cosine - b * sine - a;
    const changeB = b * cosine + a * sine - b;
    for (let i = 0; i < width; i++) {
      move[i] += changeA * left[i * planes + plane] + changeB * right[i * planes + plane];
    }
  }
}

// The mean of rows from `first` on.
export function meanOfRows(features, width, first = 0) {
  const mean = new Float64Array(width);
  const rows = features.length / width;
  for (let row = first; row < rows; row++) {
    for (let i = 0; i < width; i++) mean[i] += features[row * width + i];
  }
  return mean.map((sum) => sum / (rows - first));
}
