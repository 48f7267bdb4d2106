// What is in the page: head and index are unpacked at the start, blocks of cases when somebody reads one.

const store = { head: null, index: null, blocks: new Map(), texts: null, read: 0, order: null };
const RIGHT = 0, WRONG = 1, FAILED = 2, UNJUDGED = 3, ABSENT = 4;
const OUTCOMES = ["right", "wrong", "failed", "not judged", "not in this run"];
const KEPT_BLOCKS = 16;

/** Decode one packed element: base64, gzip, JSON. */
async function unpack(id) {
  const text = $(id).textContent;
  const bytes = Uint8Array.fromBase64 ? Uint8Array.fromBase64(text) : Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).json();
}

/** Read head and index. */
async function openStore() {
  [store.head, store.index] = await Promise.all([unpack("head"), unpack("index")]);
}

/** Which block holds a row (`part` 0) or a piece (`part` 1): the last one that begins at it or before. */
function blockOf(number, part) {
  const { blocks } = store.head;
  let low = 0, high = blocks.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (blocks[middle][part] <= number) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** Return a block, unpacked; the ones read last are kept. */
function block(number) {
  const found = store.blocks.get(number) || unpack(`block${number}`);
  store.blocks.delete(number);
  store.blocks.set(number, found);
  if (store.blocks.size > KEPT_BLOCKS) store.blocks.delete(store.blocks.keys().next().value);
  return found;
}

/** Return a whole case: context and turns as pieces [label, text, ...pictures], gold, an answer for each run. */
async function readCase(row) {
  const where = blockOf(row, 0);
  const [, rows] = await block(where);
  const told = rows[row - store.head.blocks[where][0]];
  const piece = async (number) => {
    const at = blockOf(number, 1);
    return (await block(at))[0][number - store.head.blocks[at][1]];
  };
  const [context, turns] = await Promise.all([told.context, told.turns].map((part) => Promise.all(part.map(piece))));
  return { ...told, context, turns };
}

/** Unpack all blocks once and keep their texts in lower case: what the search looks through (a second of work). */
function searchTexts() {
  store.texts ||= (async () => {
    const pieces = [], rows = [];
    for (let at = 0; at < store.head.blocks.length; at += 8) {
      const some = store.head.blocks.slice(at, at + 8).map((_, offset) => unpack(`block${at + offset}`));
      store.read = at / store.head.blocks.length;
      for (const [texts, told] of await Promise.all(some)) {
        for (const piece of texts) pieces.push(piece.join("\n").toLowerCase());
        for (const one of told) rows.push({ pieces: [...one.context, ...one.turns], own: ownWords(one) });
      }
    }
    return { pieces, rows };
  })();
  return store.texts;
}

/** What only this case says: gold, plans and replies. */
function ownWords(told) {
  const gold = told.gold || {};
  const words = [gold.explanation, gold.counterfactual, gold.reply, gold.label, ...(gold.skills || [])];
  for (const answer of told.answers) {
    if (!answer) continue;
    words.push(answer.reply, answer.error, answer.why, answer.skill, answer.raw);
  }
  return words.filter(Boolean).join("\n").toLowerCase();
}

/** Return 1 for each row that holds every word of the query, in any of its texts or its id. */
async function search(query) {
  const { pieces, rows } = await searchTexts();
  const found = new Uint8Array(rows.length).fill(1);
  for (const word of query.toLowerCase().split(/\s+/).filter(Boolean)) {
    const held = Uint8Array.from(pieces, (text) => text.includes(word));
    rows.forEach((row, at) => {
      if (!found[at]) return;
      const inside = row.own.includes(word) || row.pieces.some((piece) => held[piece]);
      if (!inside && !store.index.ids[at].toLowerCase().includes(word)) found[at] = 0;
    });
  }
  return found;
}

/** What links call a row: task, arm and id. */
function keyOf(row) {
  const { ids, task, arm, names } = store.index;
  return `${names.task[task[row]]}/${names.arm[arm[row]]}/${ids[row]}`;
}

/** The row that a link means; -1 where there is none. */
function rowOf(key) {
  if (!store.order) {
    store.order = new Map();
    store.index.ids.forEach((_, row) => store.order.has(keyOf(row)) || store.order.set(keyOf(row), row));
  }
  return store.order.get(key) ?? -1;
}

/** Rows of the same task and id: the arms of one item. */
function armsOf(row) {
  const { ids, task, arm, names } = store.index;
  const others = names.arm.map((name) => rowOf(`${names.task[task[row]]}/${name}/${ids[row]}`));
  return others.filter((other) => other >= 0 && arm[other] !== arm[row]);
}
