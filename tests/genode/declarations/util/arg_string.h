/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef THAW_DECLARED_UTIL_ARG_STRING_H
#define THAW_DECLARED_UTIL_ARG_STRING_H

namespace Genode { struct Arg_string { static bool remove_arg(char *args, char const *key); }; }

#endif
