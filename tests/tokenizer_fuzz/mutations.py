"""Changed copies of tokenizer.json files: other normalizers, pre-tokenizers, post-processors, decoders,
added tokens and model switches than those they came with, in combinations that nobody ships."""
import copy
import random

BEHAVIORS = ["Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous"]
MARK = "\u2581"
PATTERNS = [{"String": " "}, {"String": "ll"}, {"Regex": r"\s+"}, {"Regex": r"\p{L}+"}, {"Regex": "[0-9]{1,3}"},
            {"Regex": r"(?i:'s|'t)|\w+|[^\w\s]+"}, {"Regex": r"\s+(?!\S)|\s+"}, {"Regex": "(?=[A-Z])"}, {"Regex": r"[\r\n]+"}]


def normalizer(r):
    return r.choice([None] + [{"type": t} for t in ("NFC", "NFD", "NFKC", "NFKD", "Lowercase", "StripAccents", "Nmt", "ByteLevel")] + [
        {"type": "Replace", "pattern": {"String": "a"}, "content": "bb"}, {"type": "Replace", "pattern": {"Regex": r"\s+"}, "content": " "},
        {"type": "Prepend", "prepend": MARK},
        {"type": "BertNormalizer", "clean_text": r.random() < 0.5, "handle_chinese_chars": r.random() < 0.5, "strip_accents": r.choice([None, True, False]),
         "lowercase": r.random() < 0.5}])


def pre_tokenizer(r):
    return r.choice([None] + [{"type": t} for t in ("BertPreTokenizer", "Whitespace", "WhitespaceSplit", "UnicodeScripts")] + [
        {"type": "ByteLevel", "add_prefix_space": r.random() < 0.5, "trim_offsets": True, "use_regex": r.random() < 0.5},
        {"type": "Digits", "individual_digits": r.random() < 0.5}, {"type": "CharDelimiterSplit", "delimiter": "a"}, {"type": "FixedLength", "length": 3},
        {"type": "Punctuation", "behavior": r.choice(BEHAVIORS)},
        {"type": "Metaspace", "replacement": r.choice([MARK, "_"]), "prepend_scheme": r.choice(["always", "never", "first"]), "split": r.random() < 0.5},
        {"type": "Split", "pattern": r.choice(PATTERNS), "behavior": r.choice(BEHAVIORS), "invert": r.random() < 0.5}])


def decoder(r):
    return r.choice([None] + [{"type": t} for t in ("ByteFallback", "Fuse")] + [
        {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True}, {"type": "Sequence", "decoders": []},
        {"type": "WordPiece", "prefix": r.choice(["##", "a"]), "cleanup": r.random() < 0.5}, {"type": "BPEDecoder", "suffix": r.choice(["</w>", "e"])},
        {"type": "Metaspace", "replacement": MARK, "prepend_scheme": r.choice(["always", "never", "first"]), "split": True},
        {"type": "Strip", "content": " ", "start": 1, "stop": 0}, {"type": "Replace", "pattern": {"Regex": "[ae]"}, "content": "<>"},
        {"type": "CTC", "pad_token": "<pad>", "word_delimiter_token": "|", "cleanup": True}])


def chain(r, make, kind):
    if r.random() < 0.7:
        return make(r)
    return {"type": "Sequence", kind: [part for part in (make(r) for _ in range(r.choice([2, 3]))) if part]}


def vocabulary(t):
    v = t["model"].get("vocab") or {}
    return {entry[0]: i for i, entry in enumerate(v)} if isinstance(v, list) else v


def post_processor(r, vocab):
    (a, first), (b, second) = r.choice(vocab), r.choice(vocab)
    if r.random() < 0.3:
        return {"type": "BertProcessing", "sep": [a, first], "cls": [b, second]}
    single = [{"Sequence": {"id": "A", "type_id": 0}}]
    for name in "AB":
        if r.random() < 0.6:
            single.insert(r.randrange(len(single) + 1), {"SpecialToken": {"id": name, "type_id": 0}})
    return {"type": "TemplateProcessing", "single": single, "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
            "special_tokens": {"A": {"id": "A", "ids": [first], "tokens": [a]}, "B": {"id": "B", "ids": [second, first], "tokens": [b, a]}}}


def added_tokens(r, t):
    out = copy.deepcopy(t.get("added_tokens") or [])
    vocab = vocabulary(t)
    free = max(list(vocab.values()) + [a["id"] for a in out], default=-1) + 1
    for content in r.sample(["[ADD]", "add", "<mask>", " sp", "ll", "aa", "Hello", "_x", "</x>", "wor"], 3):
        if all(a["content"] != content for a in out):
            at = vocab.get(content, free)
            free += at == free
            out.append({"id": at, "content": content, "special": r.random() < 0.4, **{k: r.random() < 0.3 for k in ("single_word", "lstrip", "rstrip", "normalized")}})
    return sorted(out, key=lambda a: a["id"])


def switches(r, model):
    if model["type"] == "BPE":
        model.update({k: r.random() < 0.5 for k in ("ignore_merges", "fuse_unk", "byte_fallback")})
    elif model["type"] == "WordPiece":
        model["max_input_chars_per_word"] = r.choice([1, 3, 5, 100])
    elif model["type"] == "Unigram":
        model["byte_fallback"] = r.random() < 0.5


def mutate(tokenizer, seed):
    """One changed copy; the same seed gives the same."""
    r, t = random.Random(seed), copy.deepcopy(tokenizer)
    for part in r.sample(["normalizer", "pre_tokenizer", "post_processor", "decoder", "added_tokens", "model"], r.choice([1, 2, 2, 3])):
        if part == "normalizer":
            t[part] = chain(r, normalizer, "normalizers")
        elif part == "pre_tokenizer":
            t[part] = chain(r, pre_tokenizer, "pretokenizers")
        elif part == "decoder":
            t[part] = chain(r, decoder, "decoders")
        elif part == "post_processor":
            t[part] = post_processor(r, sorted(vocabulary(t).items()))
        elif part == "added_tokens":
            t[part] = added_tokens(r, t)
        else:
            switches(r, t["model"])
    return t
