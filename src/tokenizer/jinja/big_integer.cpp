#include "tokenizer/jinja/big_integer.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "tokenizer/jinja/value.hpp"

namespace axl::tokenizer::jinja {
namespace {

constexpr std::size_t kMostLimbs = 478;  // 4300 digits

}  // namespace

BigInteger::BigInteger(std::int64_t value) : BigInteger(std::string_view(std::to_string(value))) {}

BigInteger::BigInteger(std::string_view decimal) {
  negative_ = decimal.starts_with('-');
  if (negative_) decimal.remove_prefix(1);
  for (std::size_t end = decimal.size(); end > 0;) {
    const std::size_t begin = end > 9 ? end - 9 : 0;
    std::uint32_t limb = 0;
    for (const char c : decimal.substr(begin, end - begin))
      limb = limb * 10 + static_cast<std::uint32_t>(c - '0');
    limbs_.push_back(limb);
    end = begin;
  }
  trim();
}

BigInteger BigInteger::truncated(double value) {
  char text[400];
  std::snprintf(text, sizeof text, "%.0f", std::trunc(value));
  return BigInteger(std::string_view(text));
}

std::optional<BigInteger> BigInteger::of_base(std::string_view digits, int base) {
  BigInteger out;
  for (const char c : digits) {
    const char low = static_cast<char>(c | 0x20);
    const int digit = c >= '0' && c <= '9'       ? c - '0'
                      : low >= 'a' && low <= 'z' ? low - 'a' + 10
                                                 : 99;
    if (digit >= base) return std::nullopt;
    out.scale(static_cast<std::uint32_t>(base), static_cast<std::uint32_t>(digit));
  }
  if (digits.empty()) return std::nullopt;
  return out;
}

BigInteger& BigInteger::trim() {
  while (!limbs_.empty() && limbs_.back() == 0) limbs_.pop_back();
  if (limbs_.empty()) negative_ = false;
  if (limbs_.size() > kMostLimbs) fail("an integer of the template has more than 4300 digits");
  return *this;
}

void BigInteger::scale(std::uint32_t factor, std::uint32_t summand) {
  std::uint64_t carry = summand;
  for (std::uint32_t& limb : limbs_) {
    carry += std::uint64_t{limb} * factor;
    limb = static_cast<std::uint32_t>(carry % kBase);
    carry /= kBase;
  }
  if (carry != 0) limbs_.push_back(static_cast<std::uint32_t>(carry));
  trim();
}

std::uint32_t BigInteger::shrink(std::uint32_t by) {
  std::uint64_t rest = 0;
  for (std::size_t i = limbs_.size(); i-- > 0;) {
    rest = rest * kBase + limbs_[i];
    limbs_[i] = static_cast<std::uint32_t>(rest / by);
    rest %= by;
  }
  trim();
  return static_cast<std::uint32_t>(rest);
}

std::string BigInteger::decimal() const { return (negative_ ? "-" : "") + digits(10); }

std::string BigInteger::digits(int base) const {
  if (limbs_.empty()) return "0";
  std::string out;
  BigInteger rest = *this;
  rest.negative_ = false;
  while (!rest.is_zero()) {
    // As many digits at once as one limb holds.
    const std::uint32_t step = base == 10 ? kBase : static_cast<std::uint32_t>(base);
    std::uint32_t part = rest.shrink(step);
    for (std::uint32_t weight = 1; weight < step; weight *= static_cast<std::uint32_t>(base)) {
      out += "0123456789abcdefghijklmnopqrstuvwxyz"[part % static_cast<std::uint32_t>(base)];
      part /= static_cast<std::uint32_t>(base);
    }
  }
  while (out.size() > 1 && out.back() == '0') out.pop_back();
  std::reverse(out.begin(), out.end());
  return out;
}

double BigInteger::to_double() const { return std::strtod(decimal().c_str(), nullptr); }

std::optional<std::int64_t> BigInteger::small() const {
  static const BigInteger least(INT64_MIN), greatest(INT64_MAX);
  if (compare(least) < 0 || compare(greatest) > 0) return std::nullopt;
  return std::strtoll(decimal().c_str(), nullptr, 10);
}

BigInteger BigInteger::negated() const {
  BigInteger out = *this;
  out.negative_ = !negative_ && !limbs_.empty();
  return out;
}

int BigInteger::compare_sizes(const BigInteger& a, const BigInteger& b) {
  if (a.limbs_.size() != b.limbs_.size()) return a.limbs_.size() < b.limbs_.size() ? -1 : 1;
  for (std::size_t i = a.limbs_.size(); i-- > 0;)
    if (a.limbs_[i] != b.limbs_[i]) return a.limbs_[i] < b.limbs_[i] ? -1 : 1;
  return 0;
}

int BigInteger::compare(const BigInteger& other) const {
  if (negative_ != other.negative_) return negative_ ? -1 : 1;
  const int order = compare_sizes(*this, other);
  return negative_ ? -order : order;
}

BigInteger BigInteger::plus(const BigInteger& other) const {
  const bool larger = compare_sizes(*this, other) >= 0;
  BigInteger out = larger ? *this : other;
  const std::vector<std::uint32_t>& less = larger ? other.limbs_ : limbs_;
  const bool subtract = negative_ != other.negative_;
  std::int64_t carry = 0;
  for (std::size_t i = 0; i < out.limbs_.size(); ++i) {
    const std::int64_t second = i < less.size() ? less[i] : 0;
    carry += std::int64_t{out.limbs_[i]} + (subtract ? -second : second);
    std::int64_t limb = carry % kBase;
    if (limb < 0) limb += kBase;
    out.limbs_[i] = static_cast<std::uint32_t>(limb);
    carry = (carry - limb) / kBase;
  }
  if (carry != 0) out.limbs_.push_back(static_cast<std::uint32_t>(carry));
  return out.trim();
}

BigInteger BigInteger::times(const BigInteger& other) const {
  BigInteger out;
  out.negative_ = negative_ != other.negative_;
  out.limbs_.assign(limbs_.size() + other.limbs_.size() + 1, 0);
  for (std::size_t i = 0; i < limbs_.size(); ++i) {
    std::uint64_t carry = 0;
    for (std::size_t k = 0; k < other.limbs_.size() || carry != 0; ++k) {
      carry += out.limbs_[i + k];
      if (k < other.limbs_.size()) carry += std::uint64_t{limbs_[i]} * other.limbs_[k];
      out.limbs_[i + k] = static_cast<std::uint32_t>(carry % kBase);
      carry /= kBase;
    }
  }
  return out.trim();
}

std::pair<BigInteger, BigInteger> BigInteger::divided(const BigInteger& by) const {
  BigInteger size = by, quotient, rest;
  size.negative_ = false;
  quotient.limbs_.assign(limbs_.size(), 0);
  for (std::size_t i = limbs_.size(); i-- > 0;) {
    rest.limbs_.insert(rest.limbs_.begin(), limbs_[i]);
    rest.trim();
    std::uint32_t low = 0, high = kBase - 1;  // the largest limb whose multiple is not above
    while (low < high) {
      const std::uint32_t middle = low + (high - low + 1) / 2;
      BigInteger product = size;
      product.scale(middle, 0);
      if (compare_sizes(product, rest) <= 0)
        low = middle;
      else
        high = middle - 1;
    }
    BigInteger product = size;
    product.scale(low, 0);
    rest = rest.plus(product.negated());
    quotient.limbs_[i] = low;
  }
  quotient.negative_ = negative_ != by.negative_;
  quotient.trim();
  rest.negative_ = negative_ && !rest.is_zero();
  if (!rest.is_zero() && negative_ != by.negative_) {
    quotient = quotient.plus(BigInteger(std::int64_t{-1}));
    rest = rest.plus(by);
  }
  return {quotient, rest};
}

double BigInteger::ratio(const BigInteger& by) const {
  // Enough decimal digits of the quotient to round it, and one more that stands for the rest.
  constexpr std::int64_t kDigits = 40;
  BigInteger above = *this, below = by;
  above.negative_ = below.negative_ = false;
  const auto count = [](const BigInteger& n) {
    return static_cast<std::int64_t>(n.digits(10).size());
  };
  const std::int64_t shift = std::max<std::int64_t>(kDigits - count(above) + count(below), 0);
  const auto [quotient, rest] =
      above.times(BigInteger(std::int64_t{10}).power(shift)).divided(below);
  const std::string text =
      quotient.decimal() + (rest.is_zero() ? "0" : "1") + "e-" + std::to_string(shift + 1);
  const double value = std::strtod(text.c_str(), nullptr);
  return negative_ != by.negative_ ? -value : value;
}

BigInteger BigInteger::power(std::int64_t exponent) const {
  BigInteger result(std::int64_t{1}), base = *this;
  for (; exponent > 0; exponent >>= 1) {
    if ((exponent & 1) != 0) result = result.times(base);
    if (exponent > 1) base = base.times(base);
  }
  return result;
}

}  // namespace axl::tokenizer::jinja
