// Proofs of inclusion as RFC 9162 has them, worked out with the browser's own SHA-256.

const NODE = new Uint8Array([1]);

/** Whether the leaf, with the hashes of the proof, leads to the root. */
export async function proves({ index, size, leaf, root, proof }) {
  if (!(index >= 0 && index < size)) return false;
  let place = index;
  let last = size - 1;
  let hash = bytesOf(leaf);
  for (const one of proof) {
    if (last === 0) return false;
    if (place % 2 === 1 || place === last) {
      hash = await join(bytesOf(one), hash);
      while (place % 2 === 0 && place !== 0) {
        place = Math.floor(place / 2);
        last = Math.floor(last / 2);
      }
    } else {
      hash = await join(hash, bytesOf(one));
    }
    place = Math.floor(place / 2);
    last = Math.floor(last / 2);
  }
  return last === 0 && hexOf(hash) === root;
}

async function join(left, right) {
  const whole = new Uint8Array([...NODE, ...left, ...right]);
  return new Uint8Array(await window.crypto.subtle.digest("SHA-256", whole));
}

function bytesOf(hex) {
  return new Uint8Array((hex.match(/[0-9a-f]{2}/g) ?? []).map((one) => Number.parseInt(one, 16)));
}

function hexOf(bytes) {
  return [...bytes].map((one) => one.toString(16).padStart(2, "0")).join("");
}
