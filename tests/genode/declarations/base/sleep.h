/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef THAW_DECLARED_BASE_SLEEP_H
#define THAW_DECLARED_BASE_SLEEP_H

namespace Genode { [[noreturn]] void sleep_forever(); }

#endif
