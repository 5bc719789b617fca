/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef THAW_DECLARED_BASE_ERROR_H
#define THAW_DECLARED_BASE_ERROR_H

namespace Genode {

	enum class Alloc_error   { OUT_OF_RAM, OUT_OF_CAPS, DENIED };
	enum class Buffer_error  { EXCEEDED };
	enum class Session_error { DENIED, OUT_OF_RAM, OUT_OF_CAPS, INSUFFICIENT_RAM, INSUFFICIENT_CAPS };
}

#endif
