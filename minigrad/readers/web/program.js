// A program that can be opened box by box and walked through step by step. `dagre` lays the nodes out.
(function () {
  "use strict";
  const SVG = "http://www.w3.org/2000/svg";

  function make(parent, tag, attributes, text) {
    const space = parent.namespaceURI === SVG || tag === "svg" ? SVG : parent.namespaceURI;
    const element = document.createElementNS(space, tag);
    for (const [name, value] of Object.entries(attributes || {})) element.setAttribute(name, value);
    if (text !== undefined) element.textContent = text;
    parent.appendChild(element);
    return element;
  }

  function Program(root, program) {
    const operations = new Map(program.operations.map((op) => [op.id, op]));
    const parents = new Map();
    const boxes = new Map();
    let step = 0; // how many lines have run

    (function walk(node, parent) {
      parents.set(node.id, parent);
      if (node.children) {
        boxes.set(node.id, node);
        node.children.forEach((child) => walk(child, node));
      }
    })(program.tree, null);

    // ------------------------------------------------------------------ the frame
    root.classList.add("minigrad-program");
    root.textContent = "";
    const bar = make(root, "div", { class: "bar", role: "toolbar", "aria-label": "Walk through the program" });
    const button = (name, label, act) => {
      const b = make(bar, "button", { type: "button", "data-act": name, "aria-label": label, title: label });
      b.addEventListener("click", act);
      return b;
    };
    button("first", "To the start", () => go(0)).textContent = "|\u25c0";
    button("back", "One step back (left arrow)", () => go(step - 1)).textContent = "\u25c0";
    button("next", "One step on (right arrow)", () => go(step + 1)).textContent = "\u25b6";
    button("last", "To the end", () => go(program.steps.length)).textContent = "\u25b6|";
    const position = make(bar, "span", { class: "position" });
    const status = make(root, "p", { class: "status", role: "status", "aria-live": "polite" });
    const columns = make(root, "div", { class: "columns" });
    const picture = make(columns, "div", { class: "picture", tabindex: "0", role: "group", "aria-label": "The graph of " + program.name });
    const listing = make(columns, "ol", { class: "listing", "aria-label": "The lines of " + program.name });
    const rows = program.steps.map((line, k) => {
      const row = make(listing, "li", { "data-step": k, class: line.phase });
      make(row, "code", {}, line.text);
      if (line.remark) make(row, "span", { class: "remark" }, line.remark);
      row.addEventListener("click", () => go(k + 1));
      return row;
    });
    root.addEventListener("keydown", (event) => {
      const moves = { ArrowRight: step + 1, ArrowLeft: step - 1, Home: 0, End: program.steps.length };
      if (event.key in moves) {
        go(moves[event.key]);
        event.preventDefault();
      }
    });

    // ------------------------------------------------------------------ what is seen
    function shown(id) { // the node that stands for an operation: itself, or the outermost closed box around it
      let seen = id;
      for (let box = parents.get(id); box; box = parents.get(box.id)) if (box.closed) seen = box.id;
      return seen;
    }
    function inside(node) {
      return node.children ? node.children.flatMap(inside) : [node.id];
    }
    function graph() {
      const nodes = new Map();
      for (const op of program.operations) {
        const id = shown(op.id);
        if (!nodes.has(id)) nodes.set(id, { id, box: boxes.get(id), op: operations.get(id), out: null });
      }
      const edges = new Map();
      for (const op of program.operations)
        for (const x of op.inputs) {
          const [a, b] = [shown(x), shown(op.id)];
          if (a !== b && !edges.has(a + ">" + b)) edges.set(a + ">" + b, { a, b, op: operations.get(x) });
        }
      return { nodes: [...nodes.values()], edges: [...edges.values()] };
    }
    function known(made, gradients) { // what exists after the steps made so far
      for (const line of program.steps.slice(0, step)) {
        if (line.makes) made.add(line.makes);
        if (line.gradient) gradients.add(line.gradient);
      }
    }

    // ------------------------------------------------------------------ drawing
    function draw() {
      const { nodes, edges } = graph();
      const g = new dagre.graphlib.Graph();
      g.setGraph({ rankdir: "TB", nodesep: 24, ranksep: 56 });
      g.setDefaultEdgeLabel(() => ({}));
      for (const node of nodes) {
        const carried = edges.find((edge) => edge.a === node.id);
        node.carried = carried ? carried.op : node.op || operations.get(inside(node.box).slice(-1)[0]);
        node.lines = node.box ? [node.box.title, inside(node.box).length + " operations"]
          : [node.op.kind === "call" ? node.op.name + " = " + node.op.label : node.op.name, node.op.shape];
        const widths = [...node.lines.map((t) => 7.4 * t.length + 24), 6.2 * node.carried.numbers.length, 6.2 * node.carried.gradient.length];
        g.setNode(node.id, { width: Math.max(...widths), height: 42 });
      }
      edges.forEach((edge) => g.setEdge(edge.a, edge.b));
      dagre.layout(g);
      picture.textContent = "";
      const { width, height } = g.graph();
      const svg = make(picture, "svg", { width: width + 24, height: height + 60, viewBox: `-12 -12 ${width + 24} ${height + 60}` });
      for (const edge of edges) {
        const points = g.edge(edge.a, edge.b).points;
        make(svg, "path", { class: "edge", "data-from": edge.a, "data-to": edge.b, d: "M" + points.map((p) => p.x + " " + p.y).join("L") });
      }
      for (const node of nodes) drawNode(svg, node, g.node(node.id));
      paint();
    }
    function drawNode(svg, node, place) {
      const kind = node.box ? "box" : node.op.kind === "call" || node.op.kind === "random" ? "op" : "given";
      const said = node.lines.join(", ") + (node.op && node.op.line ? ", line " + node.op.line : "");
      const group = make(svg, "g", { class: "node " + kind, "data-node": node.id, tabindex: "0", role: "button", "aria-label": said,
        transform: `translate(${place.x} ${place.y})` });
      make(group, "title", {}, node.op ? node.op.line || node.op.code : "Click to open " + node.box.title);
      make(group, "rect", { x: -place.width / 2, y: -21, width: place.width, height: 42, rx: 6 });
      make(group, "text", { y: -4 }, node.lines[0]);
      make(group, "text", { y: 12, class: "small" }, node.lines[1]);
      make(group, "text", { y: 33, class: "small value", "data-op": node.carried.id });
      make(group, "text", { y: 45, class: "small slope", "data-op": node.carried.id });
      const act = () => (node.box ? toggle(node.box) : close(node.id));
      group.addEventListener("click", act);
      group.addEventListener("keydown", (event) => {
        if (event.key === "Enter" || event.key === " ") {
          act();
          event.preventDefault();
        }
      });
    }
    function toggle(box) {
      box.closed = !box.closed;
      draw();
      status.textContent = (box.closed ? "closed " : "opened ") + box.title;
    }
    function close(id) { // a click on an operation closes the box around it
      const box = parents.get(id);
      if (box && box !== program.tree) toggle(box);
    }

    // ------------------------------------------------------------------ walking
    function paint() {
      const [made, gradients] = [new Set(), new Set()];
      known(made, gradients);
      for (const text of picture.querySelectorAll(".value")) {
        text.textContent = made.has(text.dataset.op) ? operations.get(text.dataset.op).numbers : "";
      }
      for (const text of picture.querySelectorAll(".slope")) {
        text.textContent = gradients.has(text.dataset.op) ? operations.get(text.dataset.op).gradient : "";
      }
      const line = step ? program.steps[step - 1] : null;
      const at = line && line.about ? shown(line.about) : null;
      for (const node of picture.querySelectorAll(".node")) {
        node.classList.toggle("now", node.dataset.node === at);
        node.classList.toggle("back", node.dataset.node === at && line.phase === "backward");
      }
      rows.forEach((row, k) => {
        row.classList.toggle("done", k < step);
        row.classList.toggle("now", k === step - 1);
        if (k === step - 1) row.setAttribute("aria-current", "step");
        else row.removeAttribute("aria-current");
      });
      position.textContent = `${step} of ${program.steps.length}` + (line ? ` (${line.phase})` : "");
    }
    function go(k) {
      step = Math.max(0, Math.min(program.steps.length, k));
      paint();
      const line = step ? program.steps[step - 1] : null;
      status.textContent = line ? line.text + (line.remark ? "   # " + line.remark : "") : "Nothing has run yet.";
      const row = step ? rows[step - 1] : rows[0];
      if (row) listing.scrollTop = row.offsetTop - listing.offsetTop - listing.clientHeight / 2;
    }

    draw();
    go(program.steps.length);
    return { go, toggle };
  }

  window.minigradProgram = Program;
})();
