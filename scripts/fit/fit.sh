#!/usr/bin/env bash
# Writes native/simd/coefficients.h from fit.sollya. Needs Sollya (Debian: apt install sollya).
set -euo pipefail
cd "$(dirname "$0")"
{
  echo "// Written by scripts/fit/fit.sh; change fit.sollya, not this file."
  echo "#pragma once"
  echo
  echo "namespace losskit {"
  echo "namespace LOSSKIT_ISA {"
  echo "namespace {"
  echo
  sollya fit.sollya
  echo
  echo "}  // namespace"
  echo "}  // namespace LOSSKIT_ISA"
  echo "}  // namespace losskit"
} > ../../native/simd/coefficients.h
