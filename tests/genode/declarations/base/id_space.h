/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef THAW_DECLARED_BASE_ID_SPACE_H
#define THAW_DECLARED_BASE_ID_SPACE_H

#include <util/interface.h>

namespace Genode {

	template <typename T>
	struct Id_space : Noncopyable
	{
		struct Id { unsigned long value; };

		struct Element : Noncopyable
		{
			Id id() const;
		};
	};
}

#endif
