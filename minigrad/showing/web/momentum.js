// Momentum on a parabola: x from 1, v from 0;  v <- rho v - eta lambda x,  x <- x + v.
const momentum = {
  radius(eta, rho, lambda) {
    const a = eta * lambda, trace = 1 - a + rho, inside = trace * trace - 4 * rho;
    return inside < 0 ? Math.sqrt(rho) : (Math.abs(trace) + Math.sqrt(inside)) / 2;
  },
  region(eta, rho, lambda) {
    const a = eta * lambda, trace = 1 - a + rho, inside = trace * trace - 4 * rho;
    if (a >= 2 * (1 + rho)) return "diverges";
    if (inside < 0) return "ripples";
    return trace - Math.sqrt(inside) >= 0 ? "steady" : "zigzags";
  },
  path(eta, rho, lambda, steps) {
    const found = [1];
    for (let t = 0, x = 1, v = 0; t < steps; t++) { v = rho * v - eta * lambda * x; x += v; found.push(x); }
    return found;
  },
};

function show(place, start) {
  const colours = { steady: "#009e73", ripples: "#0072b2", zigzags: "#e69f00", diverges: "#d55e00" }, steps = 60;
  const sliders = [["eta", "rate η", 0.01, 4], ["rho", "momentum ρ", 0, 0.999], ["lambda", "curvature λ", 0.01, 10]];
  place.innerHTML = sliders.map(([id, text, low, high]) =>
    `<label>${text}<input id="${id}" type="range" min="${low}" max="${high}" step="0.001" value="${start[id]}"><output id="${id}-shown"></output></label>`).join("") +
    '<p id="said" aria-live="polite"></p><div class="columns">' +
    '<figure><canvas id="path" width="460" height="300" role="img" aria-label="x against the step"></canvas><figcaption>x, step by step, from 1</figcaption></figure>' +
    '<figure><canvas id="plane" width="300" height="300" role="img" aria-label="what happens for each rate and momentum"></canvas>' +
    "<figcaption>ηλ from 0 to 4 to the right, ρ from 0 to 1 upwards: " +
    Object.entries(colours).map(([name, c]) => `<span class="dot" style="background:${c}"></span>${name} `).join("") + "</figcaption></figure></div>";
  const at = (id) => place.querySelector("#" + id);
  const plane = at("plane").getContext("2d"), line = at("path").getContext("2d");
  for (let i = 0; i < 300; i += 3) for (let j = 0; j < 300; j += 3) {
    plane.fillStyle = colours[momentum.region(4 * (i + 1.5) / 300, 1 - (j + 1.5) / 300, 1)];
    plane.fillRect(i, j, 3, 3);
  }
  const ground = plane.getImageData(0, 0, 300, 300);
  function draw() {
    const [eta, rho, lambda] = ["eta", "rho", "lambda"].map((id) => +at(id).value);
    ["eta", "rho", "lambda"].forEach((id) => (at(id + "-shown").textContent = (+at(id).value).toFixed(3)));
    const r = momentum.radius(eta, rho, lambda), what = momentum.region(eta, rho, lambda);
    const halves = r < 1 ? `; half the distance is gone in ${(Math.log(0.5) / Math.log(r)).toFixed(1)} steps` : "";
    at("said").textContent = `${what}: the largest absolute eigenvalue is ${r.toFixed(4)}${halves}`;
    plane.putImageData(ground, 0, 0);
    plane.fillStyle = "#000";
    plane.beginPath();
    plane.arc(Math.min(299, (eta * lambda / 4) * 300), 300 - rho * 300, 5, 0, 7);
    plane.fill();
    const xs = momentum.path(eta, rho, lambda, steps), most = Math.min(1e3, Math.max(1, ...xs.map(Math.abs)));
    line.clearRect(0, 0, 460, 300);
    line.strokeStyle = "#bbb";
    line.strokeRect(0, 150, 460, 0);
    line.strokeStyle = colours[what];
    line.lineWidth = 2;
    line.beginPath();
    xs.forEach((x, t) => { const h = 150 - 140 * Math.max(-1.05, Math.min(1.05, x / most)); t ? line.lineTo((t / steps) * 460, h) : line.moveTo(0, h); });
    line.stroke();
  }
  ["eta", "rho", "lambda"].forEach((id) => (at(id).oninput = draw));
  draw();
}
