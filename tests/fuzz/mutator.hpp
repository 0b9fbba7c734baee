#pragma once
#include <algorithm>
#include <random>
#include <string>
#include <string_view>
#include <vector>

/// Changed copies of a corpus, without coverage feedback: always the same ones in the same order.
class Mutator {
 public:
  explicit Mutator(const std::vector<std::string>& corpus) : corpus_(corpus) {}

  std::string next() {
    std::string text = corpus_[below(corpus_.size())];
    for (std::size_t n = 1 + below(4); n > 0; --n) change(text);
    if (text.size() > kLongest) text.resize(kLongest);
    return text;
  }

 private:
  static constexpr std::size_t kLongest = 4096;  ///< what libFuzzer is given as -max_len

  std::size_t below(std::size_t n) { return n == 0 ? 0 : random_() % n; }

  void change(std::string& text) {
    const std::size_t at = below(text.size() + 1);
    const std::size_t length = below(std::min<std::size_t>(text.size() - at, 64) + 1);
    switch (below(7)) {
      case 0:  // flip a bit
        if (at < text.size())
          text[at] = static_cast<char>(static_cast<unsigned char>(text[at]) ^ (1U << below(8)));
        break;
      case 1:  // a byte of any value
        text.insert(at, 1, static_cast<char>(below(256)));
        break;
      case 2:  // a byte that many languages give a meaning
        if (at < text.size()) text[at] = kMarks[below(kMarks.size())];
        break;
      case 3:  // leave a piece out
        text.erase(at, length);
        break;
      case 4:  // repeat a piece
        text.insert(at, text.substr(at, length));
        break;
      case 5:  // cut the end off
        text.resize(at);
        break;
      default: {  // go on with the rest of another input
        const std::string& other = corpus_[below(corpus_.size())];
        text = text.substr(0, at) + other.substr(below(other.size() + 1));
      }
    }
  }

  static constexpr std::string_view kMarks = "{}[]()<>|%#:;,.-+*/\\\"'!&?~=_ \n\t0189eE";

  const std::vector<std::string>& corpus_;
  std::mt19937_64 random_{20261125};
};
