#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace axl::tokenizer::jinja {

/// An integer of Python, up to the 4300 decimal digits that Python prints. Beyond that every
/// operation fails (Error{data}). Chat data hold few that exceed 64 bits, so that this is short
/// rather than fast.
class BigInteger {
 public:
  BigInteger() = default;
  explicit BigInteger(std::int64_t value);
  /// Decimal digits, "-" in front of a negative number.
  explicit BigInteger(std::string_view decimal);
  /// The whole part of a finite number.
  static BigInteger truncated(double value);
  /// Digits of a base from 2 to 36, without sign; nothing when there are others or none.
  static std::optional<BigInteger> of_base(std::string_view digits, int base);

  bool is_negative() const { return negative_; }
  bool is_zero() const { return limbs_.empty(); }
  std::string decimal() const;
  /// Of the absolute value, in lower case.
  std::string digits(int base) const;
  /// The nearest double; infinity beyond its range.
  double to_double() const;
  /// As 64 bits, where it fits.
  std::optional<std::int64_t> small() const;

  BigInteger negated() const;
  /// <0, 0, >0
  int compare(const BigInteger& other) const;
  BigInteger plus(const BigInteger& other) const;
  BigInteger times(const BigInteger& other) const;
  /// Python's // and %: the quotient is rounded down. `by` is not zero.
  std::pair<BigInteger, BigInteger> divided(const BigInteger& by) const;
  /// Python's /: the nearest double of the true quotient. `by` is not zero.
  double ratio(const BigInteger& by) const;
  BigInteger power(std::int64_t exponent) const;  ///< not negative

 private:
  static int compare_sizes(const BigInteger& a, const BigInteger& b);
  /// limbs_ = limbs_ * factor + summand.
  void scale(std::uint32_t factor, std::uint32_t summand);
  /// limbs_ = limbs_ / by; the remainder.
  std::uint32_t shrink(std::uint32_t by);
  BigInteger& trim();

  static constexpr std::uint32_t kBase = 1'000'000'000;
  bool negative_ = false;
  std::vector<std::uint32_t> limbs_;  ///< nine decimal digits each, the lowest first
};

}  // namespace axl::tokenizer::jinja
