"""One kind of work of tests/bench/peak_memory.ts in PyTorch with transformers: peak memory and time, as JSON.

    python tests/peers/pytorch_memory.py MODEL_FOLDER [--threads 2] WORK

WORK is JSON with the kind (rollout, steering, long, patching) and the benchmark's sizes; `deno task bench --peer` calls
it so. The work is done twice, in float32, in micro-batches of as many rows as hold 640 tokens; the second time counts.
"""

import argparse
import json
import resource
import time

import torch
from transformers import AutoModelForCausalLM

TOKENS_AT_ONCE = 640


def rollout(model, sizes):
    rows, prompt, new = (sizes["rollout"][key] for key in ("rows", "prompt", "newTokens"))
    tokens = torch.randint(model.config.vocab_size, (rows, prompt))

    @torch.no_grad()
    def run():
        fed, past = tokens, None
        for _ in range(new):
            out = model(fed, past_key_values=past, use_cache=True, logits_to_keep=1)
            past = out.past_key_values
            fed = torch.multinomial(torch.softmax(out.logits[:, -1], -1), 1)

    return run


def steering(model, rows, seq, start):
    layers = model.model.layers
    vectors = [torch.zeros(model.config.hidden_size, requires_grad=True) for _ in layers]

    def adds(vector):
        def hook(_module, _inputs, out):
            return (out[0] + vector, *out[1:]) if isinstance(out, tuple) else out + vector

        return hook

    for layer, vector in zip(layers, vectors, strict=True):
        layer.register_forward_hook(adds(vector))
    tokens = torch.randint(model.config.vocab_size, (rows, seq + 1))
    at_once = max(1, TOKENS_AT_ONCE // seq)

    def run():
        for first in range(0, rows, at_once):
            batch = tokens[first : first + at_once]
            hidden = model.model(batch[:, :-1], use_cache=False).last_hidden_state[:, start - 1 :]
            scores = torch.log_softmax(model.lm_head(hidden), -1).gather(-1, batch[:, start:, None])
            (-scores.sum() / rows).backward()

    return run


def patching(model, positions):
    clean, corrupt = (torch.randint(model.config.vocab_size, (1, positions)) for _ in range(2))
    layers = model.model.layers

    @torch.no_grad()
    def run():
        streams = []
        handles = [
            layer.register_forward_hook(lambda _m, _i, out: streams.append(out[0] if isinstance(out, tuple) else out))
            for layer in layers
        ]
        model.model(clean, use_cache=False)
        for handle in handles:
            handle.remove()
        for layer, stream in zip(layers, streams, strict=True):
            for position in range(positions):

                def hook(_module, _inputs, out, stream=stream, position=position):
                    value = (out[0] if isinstance(out, tuple) else out).clone()
                    value[:, position] = stream[:, position]
                    return (value, *out[1:]) if isinstance(out, tuple) else value

                handle = layer.register_forward_hook(hook)
                model(corrupt, use_cache=False)
                handle.remove()

    return run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("work")
    parser.add_argument("--threads", type=int, default=2)
    given = parser.parse_args()
    work = json.loads(given.work)
    torch.set_num_threads(given.threads)
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_pretrained(given.model, dtype=torch.float32).eval().requires_grad_(False)
    sizes = work["sizes"]
    if work["kind"] == "rollout":
        run = rollout(model, sizes)
    elif work["kind"] == "steering":
        run = steering(model, sizes["rows"]["rows"], sizes["rows"]["seq"], sizes["rows"]["from"])
    elif work["kind"] == "long":
        seq = min(sizes["longRows"]["seq"], model.config.max_position_embeddings)
        run = steering(model, sizes["longRows"]["rows"], seq, seq // 2)
    else:
        run = patching(model, sizes["patched"])
    run()
    start = time.perf_counter()
    run()
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024  # KiB on Linux
    print(json.dumps({"peakBytes": peak, "seconds": seconds}))


if __name__ == "__main__":
    main()
