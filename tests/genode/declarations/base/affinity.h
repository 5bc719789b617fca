/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef THAW_DECLARED_BASE_AFFINITY_H
#define THAW_DECLARED_BASE_AFFINITY_H

namespace Genode {

	struct Affinity
	{
		struct Location
		{
			Location();
			Location(int x, int y);
			int xpos() const;
		};
	};
}

#endif
