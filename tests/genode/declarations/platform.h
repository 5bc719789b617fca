/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef THAW_DECLARED_PLATFORM_H
#define THAW_DECLARED_PLATFORM_H

#include <cap_id_alloc.h>
#include <platform_pd.h>

namespace Core {

	using Rom_name = String<64>;

	struct Rom_module { };

	struct Rom_fs
	{
		void with_element(Rom_name const &, auto const &fn, auto const &missing) { fn(_element()); missing(); }

		private: Rom_module &_element();
	};

	struct Platform_generic
	{
		Rom_fs          &rom_fs();
		Range_allocator &ram_alloc();
	};

	struct Platform : Platform_generic
	{
		Platform_pd      &core_pd();
		Cap_id_allocator &cap_id_alloc();
	};

	constexpr Align AT_PAGE { 12 };

	Platform_generic &platform();
	Platform         &platform_specific();
}

#endif
