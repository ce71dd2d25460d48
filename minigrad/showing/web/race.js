// A race of optimisers on a canvas: contours of f, one coloured path each, a table that moves along.
function show(place, race) {
  const steps = race.values[0].length - 1, size = 480;
  const [[left, right], [bottom, top]] = race.window;
  place.innerHTML =
    '<div class="bar"><button id="play" aria-label="play or pause">play</button>' +
    '<button id="back" aria-label="one step back">&larr;</button><button id="next" aria-label="one step on">&rarr;</button>' +
    '<input id="step" type="range" min="0" aria-label="step"><span id="count" aria-live="polite"></span>' +
    '<span>speed</span><input id="speed" type="range" min="1" max="60" value="20" aria-label="steps a second"></div>' +
    `<div class="columns"><canvas id="map" width="${size}" height="${size}" role="img" aria-label="paths over contours"></canvas>` +
    '<table id="table"></table></div>';
  const at = (id) => place.querySelector("#" + id);
  const pen = at("map").getContext("2d");
  const x = (u) => ((u - left) / (right - left)) * size, y = (v) => size - ((v - bottom) / (top - bottom)) * size;
  let step = 0, timer = null;
  at("step").max = steps;

  // Where the contour at a height crosses the edges of the cells of the grid: marching squares.
  function contours() {
    const h = race.heights, n = h.length, all = h.flat().filter((v) => v !== null);
    const low = Math.min(...all), high = Math.max(...all);
    pen.strokeStyle = "#c8c8c8";
    pen.lineWidth = 1;
    pen.beginPath();
    for (let k = 1; k < 15; k++) {
      const level = low + ((high - low) * k) / 15;
      for (let i = 0; i + 1 < n; i++) for (let j = 0; j + 1 < n; j++) {
        const corners = [[j, i, h[i][j]], [j + 1, i, h[i][j + 1]], [j + 1, i + 1, h[i + 1][j + 1]], [j, i + 1, h[i + 1][j]]];
        if (corners.some((c) => c[2] === null)) continue;
        const cuts = [];
        corners.forEach((a, e) => {
          const b = corners[(e + 1) % 4];
          if ((a[2] < level) !== (b[2] < level)) {
            const part = (level - a[2]) / (b[2] - a[2]);
            cuts.push([a[0] + part * (b[0] - a[0]), a[1] + part * (b[1] - a[1])]);
          }
        });
        for (let c = 0; c + 1 < cuts.length; c += 2) {
          pen.moveTo((cuts[c][0] / (n - 1)) * size, size - (cuts[c][1] / (n - 1)) * size);
          pen.lineTo((cuts[c + 1][0] / (n - 1)) * size, size - (cuts[c + 1][1] / (n - 1)) * size);
        }
      }
    }
    pen.stroke();
    return pen.getImageData(0, 0, size, size);
  }
  pen.fillStyle = "#fff";
  pen.fillRect(0, 0, size, size);
  const ground = contours();

  function draw() {
    pen.putImageData(ground, 0, 0);
    pen.fillStyle = "#000";
    for (const [u, v] of race.minima) pen.fillText("★", x(u) - 5, y(v) + 4);
    race.paths.forEach((path, i) => {
      pen.strokeStyle = pen.fillStyle = race.colours[i];
      pen.setLineDash(i < 8 ? [] : [5, 3]);
      pen.lineWidth = 1.6;
      pen.beginPath();
      path.slice(0, step + 1).forEach(([u, v], t) => (t ? pen.lineTo(x(u), y(v)) : pen.moveTo(x(u), y(v))));
      pen.stroke();
      pen.beginPath();
      pen.arc(x(path[step][0]), y(path[step][1]), 4, 0, 7);
      pen.fill();
    });
    const order = race.names.map((_, i) => i).sort((a, b) => race.values[a][step] - race.values[b][step]);
    at("table").innerHTML = "<tr><th>after " + step + " steps</th><th>rate</th><th>f</th></tr>" + order.map((i) => {
      const name = race.names[i].replace(/[&<]/g, (c) => (c === "&" ? "&amp;" : "&lt;")), value = race.values[i][step];
      const shown = Math.abs(value) >= 1e299 ? "diverged" : value.toPrecision(4);
      return `<tr data-name="${i}"><td><span class="dot" style="background:${race.colours[i]}"></span>${name}</td><td>${race.rates[i]}</td><td>${shown}</td></tr>`;
    }).join("");
    at("step").value = step;
    at("count").textContent = step + " of " + steps;
    at("play").textContent = timer ? "pause" : "play";
  }
  function go(to) { step = Math.max(0, Math.min(steps, to)); if (step === steps) stop(); draw(); }
  function stop() { clearTimeout(timer); timer = null; }
  function tick() { timer = setTimeout(() => { go(step + 1); if (timer) tick(); }, 1000 / at("speed").value); }
  at("play").onclick = () => { if (timer) stop(); else { if (step === steps) step = 0; tick(); } draw(); };
  at("next").onclick = () => { stop(); go(step + 1); };
  at("back").onclick = () => { stop(); go(step - 1); };
  at("step").oninput = (event) => { stop(); go(+event.target.value); };
  document.addEventListener("keydown", (event) => {
    if (event.target.tagName === "INPUT") return;
    if (event.key === "ArrowRight") at("next").click();
    if (event.key === "ArrowLeft") at("back").click();
  });
  draw();
}
