"""The work of tests/bench/large_model.ts in PyTorch with transformers: times, peak memory, and the same numbers.

    python tests/peers/pytorch_large_model.py MODEL_FOLDER [--threads 2] [--ours OURS.json]

Loads a checkpoint in float32, runs 64 tokens forward, generates 8 tokens greedily over a KV cache, and computes the
gradient of the mean −log p with respect to one vector per layer, added to the residual stream after each block
(a bias on down_proj; all weights frozen). Each twice: the second time counts. With --ours, the output of
`deno task bench-large MODEL_FOLDER`, the numbers of both are compared first. Needs torch and transformers.
"""

import argparse
import json
import resource
import sys
import time

import torch
import transformers
from transformers import AutoModelForCausalLM

SEQ, NEW_TOKENS, PROMPT = 64, 8, 16
# Largest difference of logits and adjoint norms relative to the largest one: float32 through 28 layers.
BOUND = 1e-3


def peak_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024  # KiB on Linux


def compare(name: str, mine: list, ours: list) -> float:
    scale = max(abs(x) for x in mine)
    error = max(abs(a - b) for a, b in zip(mine, ours, strict=True)) / scale
    if error > BOUND:
        sys.exit(f"error: {name} differs by {error} of its largest value")
    return error


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--ours")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    rows = {}

    start = time.perf_counter()
    model = AutoModelForCausalLM.from_pretrained(given.model, dtype=torch.float32).eval()
    model.requires_grad_(False)
    rows["load"] = {"coldMs": round(1000 * (time.perf_counter() - start)), "peakBytes": peak_bytes()}
    vocab, embed = model.config.vocab_size, model.config.hidden_size
    tokens = torch.tensor([[(index * 7919 + 13) % vocab for index in range(SEQ)]])

    def measure(name, work):
        times = []
        for _ in range(2):
            start = time.perf_counter()
            result = work()
            times.append(round(1000 * (time.perf_counter() - start)))
        rows[name] = {"coldMs": times[0], "warmMs": times[1], "peakBytes": peak_bytes()}
        return result

    @torch.no_grad()
    def forward():
        return model(tokens, use_cache=False).logits

    @torch.no_grad()
    def generate():
        fed, past, out = tokens[:, :PROMPT], None, []
        for _ in range(NEW_TOKENS):
            step = model(fed, past_key_values=past, use_cache=True, logits_to_keep=1)
            past, fed = step.past_key_values, step.logits[:, -1].argmax(-1, keepdim=True)
            out.append(int(fed))
        return out

    def adjoint():
        vectors = []
        for block in model.model.layers:
            block.mlp.down_proj.bias = torch.nn.Parameter(torch.zeros(embed))
            vectors.append(block.mlp.down_proj.bias)
        log_probs = torch.log_softmax(model(tokens[:, :-1], use_cache=False).logits, -1)
        picked = log_probs.gather(-1, tokens[:, 1:, None])[..., 0]
        (-picked.mean()).backward()
        return picked.sum().item(), [vector.grad.norm().item() for vector in vectors]

    logits, greedy, (log_prob_sum, norms) = measure("forward", forward), measure("generate", generate), measure("adjoint", adjoint)
    report = {
        "threads": given.threads,
        "versions": {"torch": torch.__version__, "transformers": transformers.__version__},
        "rows": rows,
    }
    if given.ours:
        with open(given.ours) as file:
            check = json.load(file)["check"]
        report["agreement"] = {
            "lastLogits": compare("the last logits", logits[0, -1, :8].tolist(), check["lastLogits"]),
            "logProbSum": compare("the sum of log-probabilities", [log_prob_sum], [check["logProbSum"]]),
            "adjointNorms": compare("the norm of an adjoint", norms, check["adjointNorms"]),
            "greedy": greedy == check["greedy"],
        }
    print(json.dumps(report))


main()
